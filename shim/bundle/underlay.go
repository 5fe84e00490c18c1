package bundle

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
)

// underlay is a directory that stands for an image's root: each entry of the
// image is mounted on an empty one, links are made again. Where a mount point
// is missing in the image, the directory that should have it is made up of its
// entries in the same way, so that the mount point can be made beside them. It
// needs neither root nor an overlay file system, and leaves the image alone.
// Apptainer, from which the name is, does the same ("enable underlay").
type underlay struct {
	root, image string
	// missing are the mount points, by their paths in the container, that the
	// image does not have; true is a directory.
	missing map[string]bool
	mounts  []specs.Mount
}

// skeleton makes the underlay of image in root, a new directory, with the mount
// points that targets names, and returns the image's part of the mounts.
func skeleton(root, image string, targets map[string]bool) ([]specs.Mount, error) {
	u := &underlay{root: root, image: image, missing: make(map[string]bool)}
	for path, isDir := range targets {
		if filepath.Dir(path) == "/" || !u.imageHas(path, isDir) {
			u.missing[path] = isDir
		}
	}
	if err := u.mirror("/"); err != nil {
		return nil, err
	}
	return u.mounts, u.makeMissing()
}

// imageHas says whether the image has a directory, or a file, at path, without
// a link on the way.
func (u *underlay) imageHas(path string, isDir bool) bool {
	for dir := filepath.Dir(path); dir != "/"; dir = filepath.Dir(dir) {
		if info, err := os.Lstat(u.image + dir); err != nil || !info.IsDir() {
			return false
		}
	}
	info, err := os.Lstat(u.image + path)
	return err == nil && (isDir && info.IsDir() || !isDir && info.Mode().IsRegular())
}

// mirror makes the directory dir, and in it what the image has there.
func (u *underlay) mirror(dir string) error {
	if err := os.Mkdir(u.root+dir, 0o755); err != nil {
		return err
	}
	// A umask must not take the way in from the job's user.
	if err := os.Chmod(u.root+dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(u.image + dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := u.entry(filepath.Join(dir, entry.Name()), entry.Type()); err != nil {
			return err
		}
	}
	return nil
}

// entry makes one entry of the image. A link on the way to a missing mount
// point, or in its place, is left out: makeMissing makes a directory of it.
func (u *underlay) entry(path string, kind fs.FileMode) error {
	if _, isTarget := u.missing[path]; isTarget {
		return nil
	}
	if u.onTheWay(path) {
		if kind.IsDir() {
			return u.mirror(path)
		}
		return nil
	}
	if kind&fs.ModeSymlink != 0 {
		link, err := os.Readlink(u.image + path)
		if err != nil {
			return err
		}
		return os.Symlink(link, u.root+path)
	}
	u.mounts = append(u.mounts, bind(u.image+path, path, "ro"))
	return makePoint(u.root+path, kind.IsDir())
}

// onTheWay says whether a missing mount point lies below path.
func (u *underlay) onTheWay(path string) bool {
	for missing := range u.missing {
		if strings.HasPrefix(missing, path+"/") {
			return true
		}
	}
	return false
}

// makeMissing makes the mount points that the image does not have. One that
// lies in another mount, such as a scratch directory in /tmp, is made as well,
// though runc will have to make it again there.
func (u *underlay) makeMissing() error {
	for path, isDir := range u.missing {
		if err := os.MkdirAll(u.root+filepath.Dir(path), 0o755); err != nil {
			return err
		}
		if err := makePoint(u.root+path, isDir); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// makePoint makes an empty directory or file to mount on.
func makePoint(path string, isDir bool) error {
	if isDir {
		return os.Mkdir(path, 0o755)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return f.Close()
}
