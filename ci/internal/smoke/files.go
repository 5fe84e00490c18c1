package smoke

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// findings are paths in an image, or what else is found there; an error names the
// first few.
type findings []string

func (f findings) err(what string) error {
	const shown = 5
	switch {
	case len(f) == 0:
		return nil
	case len(f) > shown:
		return fmt.Errorf("%s: %s and %d more", what, strings.Join(f[:shown], ", "), len(f)-shown)
	}
	return fmt.Errorf("%s: %s", what, strings.Join(f, ", "))
}

// walk calls visit for all that is in the image below dir, which need not be
// there, with the path in the image. What Apptainer adds is not the image's.
func (j *job) walk(dir string, visit func(path string, info fs.FileInfo) error) error {
	return filepath.WalkDir(filepath.Join(j.tree, dir), func(file string, d fs.DirEntry, err error) error {
		if os.IsNotExist(err) {
			return nil
		} else if err != nil {
			return err
		}
		path := strings.TrimPrefix(file, j.tree)
		if path == "/.singularity.d" {
			return fs.SkipDir
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		return visit(path, info)
	})
}

// checkPermissions looks for files that give rights away, and for places in
// which one user could lay traps for another.
func checkPermissions(_ context.Context, j *job) (string, error) {
	var setuid, capable, writable findings
	err := j.walk("", func(path string, info fs.FileInfo) error {
		mode := info.Mode()
		if mode.IsRegular() && mode&(fs.ModeSetuid|fs.ModeSetgid) != 0 {
			setuid = append(setuid, path)
		}
		if mode.IsRegular() {
			has, err := hasCapabilities(filepath.Join(j.tree, path))
			if err != nil {
				return err
			}
			if has {
				capable = append(capable, path)
			}
		}
		if mode&0o002 != 0 && (mode.IsRegular() || mode.IsDir() && mode&fs.ModeSticky == 0) {
			writable = append(writable, path)
		}
		return nil
	})
	if err == nil {
		err = setuid.err("setuid or setgid")
	}
	if err == nil {
		err = capable.err("with file capabilities, which setcap -r takes off")
	}
	if err == nil {
		err = writable.err("everybody can write to")
	}
	return "", err
}

// hasCapabilities says whether a file has capabilities of its own
// (capabilities(7)), which give rights as setuid does.
func hasCapabilities(file string) (bool, error) {
	_, err := unix.Lgetxattr(file, "security.capability", nil)
	if errors.Is(err, unix.ENODATA) || errors.Is(err, unix.ENOTSUP) {
		return false, nil
	}
	if err != nil {
		return false, &fs.PathError{Op: "getxattr", Path: file, Err: err}
	}
	return true, nil
}

// leftovers are what a build needs and an image does not.
var leftovers = []string{
	"var/cache/apt/archives", "var/lib/apt/lists", "var/cache/dnf", "var/cache/yum", "var/cache/apk", "var/log",
	"root/.cache", "root/.npm", "tmp", "var/tmp",
}

// checkLeftovers looks for package caches, logs and temporary files, and for the
// machine's id, which would be the same in each job.
func checkLeftovers(_ context.Context, j *job) (string, error) {
	var found findings
	for _, dir := range append([]string{"etc/machine-id"}, leftovers...) {
		err := j.walk(dir, func(path string, info fs.FileInfo) error {
			if info.Mode().IsRegular() && info.Size() > 0 {
				found = append(found, path)
			}
			return nil
		})
		if err != nil {
			return "", err
		}
	}
	return "", found.err("left by the build")
}

// checkSize adds up the image's files; hard links count once.
func checkSize(_ context.Context, j *job) (string, error) {
	const megabyte = 1_000_000
	var sum int64
	seen := map[uint64]bool{}
	err := j.walk("", func(_ string, info fs.FileInfo) error {
		if !info.Mode().IsRegular() {
			return nil
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && stat.Nlink > 1 {
			if seen[stat.Ino] {
				return nil
			}
			seen[stat.Ino] = true
		}
		sum += info.Size()
		return nil
	})
	if err != nil {
		return "", err
	}
	size := fmt.Sprintf("%d MB", (sum+megabyte-1)/megabyte)
	if j.expect.Size > 0 && sum > j.expect.Size*megabyte {
		return "", fmt.Errorf("%s, and at most %d MB are expected", size, j.expect.Size)
	}
	return size, nil
}
