// Package turn has builds that want the same thing wait for each other.
package turn

import (
	"context"
	"time"

	"github.com/gofrs/flock"
)

// Wait takes a lock (flock(2)), and calls say once if another has it and it has
// to wait. It ends with ctx, or with an error if the file cannot be locked.
func Wait(ctx context.Context, lock *flock.Flock, say func()) error {
	locked, err := lock.TryLock()
	if err == nil && !locked {
		say()
		_, err = lock.TryLockContext(ctx, time.Second/4)
	}
	return err
}
