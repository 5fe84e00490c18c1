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
	made   bool
}

func (c *copies) wanted(node, home string) bool {
	return c.linker != "" && !patched(node, c.linker) && roomFor(node, home)
}

func (c *copies) make(from, to string) error {
	if c.made && time.Now().After(c.until) {
		return fmt.Errorf("no time left for a copy of %s, to be patched; patch it once in the cache", from)
	}
	c.made = true
	return patchable(from, to)
}

// patchable makes the server to, in which its start script can patch the node:
// that is a copy, and so is the directory of the script, which finds the node
// from where it really lies. The rest are links.
func patchable(from, to string) (err error) {
	node, err := os.Lstat(filepath.Join(to, "node"))
	switch {
	case err == nil && node.Mode()&os.ModeSymlink != 0: // of a job that needed no copy
		if err := os.RemoveAll(to); err != nil {
			return err
		}
	case isServer(to):
		return nil
	}
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
