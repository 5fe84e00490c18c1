// Package publish puts finished files and directories under their final names,
// so that nobody ever sees half of one.
package publish

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Replace gives made, a file or a directory on the same file system, the name
// path at one stroke. A directory that had the name is kept as
// ".<name>.previous" beside it until the next time, because jobs may still run
// in it.
func Replace(made, path string) error {
	info, err := os.Lstat(made)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || !info.IsDir() {
		return os.Rename(made, path)
	}
	// renameat2(2): rename(2) replaces no directory that holds something.
	if err := unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, path, unix.RENAME_EXCHANGE); err != nil {
		return fmt.Errorf("exchanging %s: %w", path, err)
	}
	previous := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".previous")
	if err := RemoveTree(previous); err != nil {
		return err
	}
	return os.Rename(made, previous)
}

// RemoveTree removes a directory and all in it, also where its owner has taken
// away the own right to write in a directory, as images do.
func RemoveTree(dir string) error {
	err := os.RemoveAll(dir)
	if !errors.Is(err, fs.ErrPermission) {
		return err
	}
	err = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		// An unreadable directory is reported before and after; it is
		// opened up before.
		if d != nil && d.IsDir() && err == nil {
			return os.Chmod(path, 0o700)
		}
		return nil
	})
	return errors.Join(err, os.RemoveAll(dir))
}
