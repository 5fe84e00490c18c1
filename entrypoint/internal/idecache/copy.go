package idecache

import (
	"debug/elf"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// copyTime is how long copies may keep a job from its start.
const copyTime = 2 * time.Second

// stale is how old what a copy leaves beside its server is if it was killed.
const stale = time.Hour

// copies makes servers that can be patched.
type copies struct {
	linker string
	until  time.Time
	made   map[string]bool // by product
	late   []string        // the commits for which there was no time
}

func (c *copies) wanted(node, home string) bool {
	return c.linker != "" && !patched(node, c.linker) && roomFor(node, home)
}

// errLate says that there was no time for a copy.
var errLate = errors.New("no time left")

// make makes the server to, in which the start script of that of e can patch the
// node.
func (c *copies) make(e Entry, to string) error {
	node, err := os.Lstat(filepath.Join(to, "node"))
	linked := err == nil && node.Mode()&os.ModeSymlink != 0 // of a job that needed no copy
	if isServer(to) && !linked {
		c.made[e.Product] = true
		return nil
	}
	if c.made[e.Product] && time.Now().After(c.until) {
		c.late = append(c.late, e.Commit)
		return errLate
	}
	c.made[e.Product] = true
	if linked {
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	}
	return patchable(e.Server, to)
}

// left says which servers were not copied.
func (c *copies) left() error {
	if len(c.late) == 0 {
		return nil
	}
	return fmt.Errorf("no time left for copies, to be patched, of %s; patch them once in the cache", strings.Join(c.late, ", "))
}

// patchable copies the node, and the directory of the start script, which finds
// the node from where it really lies. The rest are links.
func patchable(from, to string) (err error) {
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	sweep(filepath.Dir(to))
	part, err := os.MkdirTemp(filepath.Dir(to), partPrefix)
	if err != nil {
		return err
	}
	defer os.RemoveAll(part)
	if err := copyNew(filepath.Join(from, "node"), filepath.Join(part, "node"), 0o700); err != nil {
		return err
	}
	if err := os.CopyFS(filepath.Join(part, "bin"), os.DirFS(filepath.Join(from, "bin"))); err != nil {
		return err
	}
	if err := each(from, part); err != nil {
		return err
	}
	err = os.Rename(part, to)
	if errors.Is(err, os.ErrExist) || errors.Is(err, unix.ENOTEMPTY) {
		return nil // what is there is the user's
	}
	return err
}

const partPrefix = ".part-"

// sweep removes from dir what killed copies have left.
func sweep(dir string) {
	parts, _ := filepath.Glob(filepath.Join(dir, partPrefix+"*"))
	for _, part := range parts {
		if info, err := os.Lstat(part); err == nil && time.Since(info.ModTime()) > stale {
			os.RemoveAll(part)
		}
	}
}

// patched says whether the node at path runs with the dynamic linker already, by
// whatever name.
func patched(path, linker string) bool {
	name := interpreter(path)
	if name == linker {
		return true
	}
	has, err := os.Stat(name)
	if err != nil {
		return false
	}
	wanted, err := os.Stat(linker)
	return err == nil && os.SameFile(has, wanted)
}

// roomFor says whether a copy of the file leaves some of the room in dir: the
// start must not fill a small home with servers that nobody may start.
func roomFor(file, dir string) bool {
	var fs unix.Statfs_t
	info, err := os.Stat(file)
	return err == nil && unix.Statfs(dir, &fs) == nil && fs.Bavail*uint64(fs.Bsize) > 8*uint64(info.Size())
}

// interpreter is the dynamic linker that the program at path names, or "".
func interpreter(path string) string {
	program, err := elf.Open(path)
	if err != nil {
		return ""
	}
	defer program.Close()
	for _, p := range program.Progs {
		if p.Type == elf.PT_INTERP {
			name, _ := io.ReadAll(io.LimitReader(p.Open(), unix.PathMax))
			return strings.TrimRight(string(name), "\x00")
		}
	}
	return ""
}

// copyNew copies a file to where none is; its blocks are shared where the file
// system can. Nothing half-made stays.
func copyNew(from, to string, mode os.FileMode) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.MkdirAll(filepath.Dir(to), 0o700); err != nil {
		return err
	}
	out, err := os.OpenFile(to, os.O_WRONLY|os.O_CREATE|os.O_EXCL, mode)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	if err = unix.IoctlFileClone(int(out.Fd()), int(in.Fd())); err != nil {
		_, err = io.Copy(out, in)
	}
	if closed := out.Close(); err == nil {
		err = closed
	}
	if err != nil {
		os.Remove(to)
		return fmt.Errorf("copying to %s: %w", to, err)
	}
	return nil
}
