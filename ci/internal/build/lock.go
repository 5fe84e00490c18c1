package build

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/gofrs/flock"

	"perch/ci/internal/steps"
	"perch/ci/internal/turn"
)

// lock waits until no other build of this environment runs.
func (r Request) lock(ctx context.Context) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(r.Cache, r.Name+".lock"))
	if err := turn.Wait(ctx, lock, func() { r.Steps.Line("another build of %s is running: waiting for it", r.Name) }); err != nil {
		return nil, fmt.Errorf("waiting for another build of %s: %w", r.Name, err)
	}
	return lock, nil
}

// lockOut waits until no other build, of another environment or with a cache of its
// own, writes into the directory out. The directory itself is locked, so that no
// file for it stays there. On a network file system the lock may be this machine's
// alone.
func lockOut(ctx context.Context, out string, s *steps.Steps) (*flock.Flock, error) {
	lock := flock.New(out, flock.SetFlag(os.O_RDONLY))
	err := turn.Wait(ctx, lock, func() { s.Line("another build writes into %s: waiting for it", out) })
	if err != nil && ctx.Err() != nil {
		return nil, fmt.Errorf("waiting for another build that writes into %s: %w", out, err)
	}
	if err != nil {
		s.Line("%s cannot be locked, so builds into it do not wait for each other: %v", out, err)
	}
	return lock, nil
}
