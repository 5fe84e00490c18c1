package bundle

import (
	"errors"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
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
	// image does not have.
	missing map[string]fs.FileMode
	mounts  []specs.Mount
}

// skeleton makes the underlay of image in root, a new directory, with the mount
// points that targets names, and returns the image's part of the mounts.
func skeleton(root, image string, targets map[string]fs.FileMode) ([]specs.Mount, error) {
	u := &underlay{root: root, image: image, missing: make(map[string]fs.FileMode)}
	for path, mode := range targets {
		if filepath.Dir(path) == "/" || !u.imageHas(path, mode.IsDir()) {
			u.missing[path] = mode
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
	if err := makePoint(u.root+dir, fs.ModeDir|0o755); err != nil {
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
	if kind.IsDir() {
		return makePoint(u.root+path, fs.ModeDir|0o755)
	}
	return makePoint(u.root+path, 0o644)
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
	// In order: a parent comes first, and has a mode of its own.
	for _, path := range slices.Sorted(maps.Keys(u.missing)) {
		if err := makePath(u.root+path, u.missing[path]); err != nil {
			return err
		}
	}
	return nil
}

// makePath makes a mount point, unless it is there, and the directories above it.
func makePath(path string, mode fs.FileMode) error {
	err := makePoint(path, mode)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makePath(filepath.Dir(path), fs.ModeDir|0o755); err != nil {
			return err
		}
		err = makePoint(path, mode)
	}
	if errors.Is(err, fs.ErrExist) {
		return nil
	}
	return err
}

// makePoint makes an empty directory or file to mount on, with exactly mode: a
// umask must not take the way in from the job's user.
func makePoint(path string, mode fs.FileMode) error {
	if mode.IsDir() {
		if err := os.Mkdir(path, 0o755); err != nil {
			return err
		}
		return os.Chmod(path, mode)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(mode), f.Close())
}
