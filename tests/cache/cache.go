// Package cache keeps what tests make or fetch once: root file systems, images,
// programs of others. Each thing lies below $XDG_CACHE_HOME/perch under a path
// that names its version, and is there whole or not at all.
package cache

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"github.com/adrg/xdg"
	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// Dir is a directory of the cache, by default below ~/.cache/perch. It need not
// be there.
func Dir(elem ...string) string {
	return filepath.Join(append([]string{xdg.CacheHome, "perch"}, elem...)...)
}

// Get sees that there is something at path. If it is not there yet, build makes
// it at the path that it is given, which gets its name only when it is whole.
// Other processes that want the same one wait, as long as ctx lasts. Its time of
// modification is that of its last use.
func Get(ctx context.Context, path string, build func(ctx context.Context, part string) error) error {
	unlock, err := Lock(ctx, path+".lock")
	if err != nil {
		return err
	}
	defer unlock()
	now := time.Now()
	if os.Chtimes(path, now, now) == nil {
		return nil
	}
	part := path + ".part"
	if err := Remove(part); err != nil { // of a build that was killed
		return err
	}
	if err := build(ctx, part); err != nil {
		return fmt.Errorf("building %s: %w", path, err)
	}
	if err := sync(part); err != nil {
		return err
	}
	return os.Rename(part, path)
}

// Lock takes the lock file at path and waits for it as long as ctx lasts.
func Lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	l := flock.New(path)
	if _, err := l.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("waiting for the lock %s: %w", path, err)
	}
	return func() { l.Close() }, nil
}

// Remove removes a tree that a container or chroot may have used. Unlike
// os.RemoveAll it stops at a mount that was left in it.
func Remove(path string) error {
	out, err := exec.Command("rm", "-rf", "--one-file-system", path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("removing %s: %w: %s", path, err, out)
	}
	return nil
}

// sync writes out all that the file system of path still buffers, so that a
// crash cannot leave a whole name with half a content.
func sync(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		return fmt.Errorf("syncing %s: %w", path, err)
	}
	return nil
}
