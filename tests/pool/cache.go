package pool

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"

	"perch/tests/cache"
)

// CacheDir is the directory of everything that outlives a pool:
// $XDG_CACHE_HOME/perch/pool, by default below ~/.cache. It may be deleted
// while no pool is up.
func CacheDir() string { return cache.Dir("pool") }

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
	path, built := a.path(a.key), false
	err := cache.Get(ctx, path, func(ctx context.Context, part string) error {
		built = true
		return build(ctx, part)
	})
	if err != nil {
		return "", err
	}
	if built {
		err = a.prune()
	}
	return path, err
}

// prune removes what is left of the family under other keys and has not been
// used for so long.
func (a artefact) prune() error {
	others, _ := filepath.Glob(a.path(strings.Repeat("?", len(a.key)))) // fails for bad patterns only
	for _, path := range others {
		if path == a.path(a.key) {
			continue
		}
		l := flock.New(path + ".lock")
		if free, err := l.TryLock(); err != nil || !free {
			continue // somebody is using it just now
		}
		info, err := os.Stat(path)
		if err == nil && time.Since(info.ModTime()) > a.keep {
			err = cache.Remove(path)
		}
		l.Close()
		if err != nil {
			return err
		}
	}
	return nil
}
