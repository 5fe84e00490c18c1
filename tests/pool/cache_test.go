package pool

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/adrg/xdg"
)

// emptyCache gives the test a cache directory of its own.
func emptyCache(t *testing.T) {
	t.Cleanup(xdg.Reload) // runs after Setenv's own
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	xdg.Reload()
}

func write(text string) func(context.Context, string) error {
	return func(_ context.Context, part string) error { return os.WriteFile(part, []byte(text), 0o644) }
}

func TestArtefactIsBuiltOnce(t *testing.T) {
	emptyCache(t)
	a := artefact{family: "a", key: "1"}
	var builds atomic.Int32
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			_, err := a.get(t.Context(), func(ctx context.Context, part string) error {
				builds.Add(1)
				return write("whole")(ctx, part)
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := builds.Load(); got != 1 {
		t.Errorf("built %d times, want once", got)
	}
}

func TestArtefactIsWhole(t *testing.T) {
	emptyCache(t)
	a := artefact{family: "a", key: "1"}
	broken := errors.New("the disk is full")
	_, err := a.get(t.Context(), func(ctx context.Context, part string) error {
		return errors.Join(os.Mkdir(part, 0o755), os.WriteFile(part+"/half", nil, 0o644), broken)
	})
	if !errors.Is(err, broken) {
		t.Errorf("error is %v, want %v", err, broken)
	}
	path, err := a.get(t.Context(), write("whole"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(path); string(got) != "whole" {
		t.Errorf("got %q, %v after a build that failed; want the next one's", got, err)
	}
}

func TestArtefactsAreForgotten(t *testing.T) {
	emptyCache(t)
	get := func(key string) string {
		path, err := artefact{family: "a", key: key, keep: time.Hour}.get(t.Context(), write(key))
		if err != nil {
			t.Fatal(err)
		}
		return path
	}
	unused, recent := get("1"), get("2")
	before := time.Now().Add(-2 * time.Hour)
	if err := os.Chtimes(unused, before, before); err != nil {
		t.Fatal(err)
	}
	latest := get("3")
	got, _ := filepath.Glob(filepath.Join(CacheDir(), "a-?"))
	if len(got) != 2 || got[0] != recent || got[1] != latest {
		t.Errorf("the cache has %q, want %q and %q", got, recent, latest)
	}
}

func TestMissing(t *testing.T) {
	got := missing(t.Context(), []string{"dpkg", "perch-no-such-package"})
	if len(got) != 1 || got[0] != "perch-no-such-package" {
		t.Errorf("missing packages are %q, want only perch-no-such-package", got)
	}
}
