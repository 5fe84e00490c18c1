package pool

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/gofrs/flock"
	"golang.org/x/sys/unix"
)

// CacheDir is the directory of everything that outlives a pool:
// $XDG_CACHE_HOME/perch/pool, by default below ~/.cache. It may be deleted
// while no pool is up.
func CacheDir() string { return filepath.Join(xdg.CacheHome, "perch", "pool") }

// artefact is a part of the cache: a file or directory that is made once for
// each key. Keys of a family are equally long.
type artefact struct {
	// family and suffix stand around the key in its path below CacheDir.
	family, key, suffix string
	// keep is for how long others of the family stay after their last use.
	keep time.Duration
}

func (a artefact) path(key string) string {
	return filepath.Join(CacheDir(), a.family+"-"+key+a.suffix)
}

// get returns the artefact's path. If it is not there yet, build makes it at
// the path it is given, which gets its name only when it is whole. Other
// processes that want the same one wait.
func (a artefact) get(ctx context.Context, build func(ctx context.Context, part string) error) (string, error) {
	path := a.path(a.key)
	unlock, err := lock(ctx, path+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	now := time.Now()
	if os.Chtimes(path, now, now) == nil { // it is there; for prune
		return path, nil
	}
	part := path + ".part"
	if err := removeTree(part); err != nil { // of a build that was killed
		return "", err
	}
	if err := build(ctx, part); err != nil {
		return "", fmt.Errorf("building %s: %w", path, err)
	}
	if err := syncFileSystem(part); err != nil {
		return "", err
	}
	return path, errors.Join(os.Rename(part, path), a.prune())
}

// prune removes what is left of the family under other keys and has not been
// used for so long.
func (a artefact) prune() error {
	others, _ := filepath.Glob(a.path(strings.Repeat("?", len(a.key)))) // fails for bad patterns only
	for _, path := range others {
		l := flock.New(path + ".lock")
		if free, err := l.TryLock(); err != nil || !free {
			continue // somebody is using it just now, this process among them
		}
		info, err := os.Stat(path)
		if err == nil && time.Since(info.ModTime()) > a.keep {
			err = removeTree(path)
		}
		l.Close()
		if err != nil {
			return err
		}
	}
	return nil
}

// lock takes the lock file at path and waits for it as long as ctx lasts.
func lock(ctx context.Context, path string) (unlock func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return nil, err
	}
	l := flock.New(path)
	if _, err := l.TryLockContext(ctx, 100*time.Millisecond); err != nil {
		return nil, fmt.Errorf("waiting for the lock %s: %w", path, err)
	}
	return func() { l.Close() }, nil
}

// removeTree removes a tree that a container or chroot has used. Unlike
// os.RemoveAll it stops at a mount that was left in it.
func removeTree(path string) error {
	out, err := exec.Command("rm", "-rf", "--one-file-system", path).CombinedOutput()
	if err != nil {
		return fmt.Errorf("removing %s: %w: %s", path, err, out)
	}
	return nil
}

// syncFileSystem writes out all that the file system of path still buffers, so
// that a crash cannot leave a whole name with half a content.
func syncFileSystem(path string) error {
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
