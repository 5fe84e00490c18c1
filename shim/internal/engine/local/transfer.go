package local

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"perch/entrypoint/contract"
)

// setUp makes the scratch directory and puts into it what the job gets.
func (e *entry) setUp(scratch string) error {
	if err := os.MkdirAll(filepath.Dir(scratch), 0o700); err != nil {
		return fmt.Errorf("making the directory of scratch directories: %w", err)
	}
	// What has this name is of a job that is long gone: numbers come once.
	if err := removeTree(scratch); err != nil {
		return err
	}
	if err := os.Mkdir(scratch, 0o700); err != nil {
		return fmt.Errorf("making the scratch directory: %w", err)
	}
	if e.Executable != "" {
		if err := copyFile(e.Executable, filepath.Join(scratch, contract.ProgramName), 0o755); err != nil {
			return fmt.Errorf("copying the job's executable: %w", err)
		}
	}
	for _, from := range e.Transfer {
		if err := transfer(from, scratch); err != nil {
			return fmt.Errorf("copying the job's input: %w", err)
		}
	}
	return e.writeAds(scratch)
}

// transferOutput copies the files that the submit description names back to
// where its output goes. The job may have made links of them: those that leave
// its scratch directory would show it more of this machine than its container.
func (e *entry) transferOutput(scratch string) error {
	for _, name := range e.TransferOutput {
		from := filepath.Join(scratch, name)
		if err := checkInside(scratch, from); err != nil {
			return fmt.Errorf("copying the job's output %s: %w", name, err)
		}
		if err := transfer(from, e.Iwd); err != nil {
			return fmt.Errorf("copying the job's output %s: %w", name, err)
		}
	}
	return nil
}

// checkInside refuses a path that leads out of dir by a link.
func checkInside(dir, path string) error {
	dir, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	if path, err = filepath.EvalSymlinks(path); err != nil {
		return err
	}
	if !strings.HasPrefix(path, dir+"/") {
		return errors.New("it is a link that leaves the scratch directory")
	}
	return nil
}

// transfer copies a file or directory into the directory to, with the modes
// that it has; with a slash at the end, it copies what is in the directory.
func transfer(from, to string) error {
	if !strings.HasSuffix(from, "/") {
		to = filepath.Join(to, filepath.Base(from))
	}
	from, err := filepath.EvalSymlinks(from)
	if err != nil {
		return err
	}
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return copyFile(from, to, info.Mode().Perm())
	}
	return filepath.WalkDir(from, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(from, path)
		if err != nil {
			return err
		}
		return copyEntry(path, filepath.Join(to, name), d)
	})
}

// copyEntry copies one entry of a directory. Links stay links, and sockets and
// the like are left out.
func copyEntry(from, to string, d fs.DirEntry) error {
	switch {
	case d.IsDir():
		return os.MkdirAll(to, 0o755)
	case d.Type() == fs.ModeSymlink:
		target, err := os.Readlink(from)
		if err != nil {
			return err
		}
		if err := os.Remove(to); err != nil && !os.IsNotExist(err) {
			return err
		}
		return os.Symlink(target, to)
	case !d.Type().IsRegular():
		return nil
	}
	info, err := d.Info()
	if err != nil {
		return err
	}
	return copyFile(from, to, info.Mode().Perm())
}

// copyFile copies a file. The copy has its mode from the beginning: keys are
// nobody else's for a moment. What is in its place goes: it may be a link.
func copyFile(from, to string, mode fs.FileMode) (err error) {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	if err := os.Remove(to); err != nil && !os.IsNotExist(err) {
		return err
	}
	out, err := os.OpenFile(to, os.O_CREATE|os.O_EXCL|os.O_WRONLY, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, in); err != nil {
		out.Close()
		return err
	}
	if err := out.Chmod(mode); err != nil { // despite the umask
		out.Close()
		return err
	}
	return out.Close()
}
