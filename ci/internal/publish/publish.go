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
// in it. Where the file system cannot exchange two names, as NFS cannot, nothing
// has a directory's name for a moment. After an error path is what it was, or
// made; if it is neither, the error says where what it was is.
func Replace(made, path string) error {
	info, err := os.Lstat(made)
	if err != nil {
		return err
	}
	if _, err := os.Lstat(path); errors.Is(err, fs.ErrNotExist) || !info.IsDir() {
		return os.Rename(made, path)
	}
	previous := filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".previous")
	// First, since it takes long and is likely to fail.
	if err := RemoveTree(previous); err != nil {
		return fmt.Errorf("removing what %s was before; end the jobs that run in it: %w", path, err)
	}
	// renameat2(2): rename(2) replaces no directory that holds something.
	err = unix.Renameat2(unix.AT_FDCWD, made, unix.AT_FDCWD, path, unix.RENAME_EXCHANGE)
	if errors.Is(err, unix.EINVAL) || errors.Is(err, unix.ENOSYS) || errors.Is(err, unix.EOPNOTSUPP) {
		return replaceByTwo(made, path, previous)
	}
	if err != nil {
		return fmt.Errorf("exchanging %s: %w", path, err)
	}
	return os.Rename(made, previous)
}

// replaceByTwo calls what is at path previous, and made path, by two renames.
func replaceByTwo(made, path, previous string) error {
	if err := os.Rename(path, previous); err != nil {
		return err
	}
	err := os.Rename(made, path)
	if err == nil {
		return nil
	}
	if back := os.Rename(previous, path); back != nil {
		return fmt.Errorf("%w, and what had that name is now %s (%w); rename it", err, previous, back)
	}
	return err
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
