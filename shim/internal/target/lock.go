package target

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/gofrs/flock"
)

// foreignWait is how long another host's lock is waited for. That host may be
// gone, and then a network file system may hold its lock for ever.
const foreignWait = 30 * time.Second

// Lock takes the target's submit lock, so that one shim at a time asks the
// queue and submits. waiting is called once if somebody else has it, with who
// that is. The lock ends with the process; release gives it back earlier.
func (t Target) Lock(ctx context.Context, waiting func(holder string)) (release func(), err error) {
	path := filepath.Join(t.State, LockName)
	lock := flock.New(path, flock.SetPermissions(0o600), flock.SetFlag(os.O_CREATE|os.O_RDWR))
	host, _ := os.Hostname()
	got, err := lock.TryLock()
	if err == nil && !got {
		holder := readHolder(path)
		waiting(holder.String())
		limited, cancel := ctx, context.CancelFunc(func() {})
		if holder.host != "" && holder.host != host {
			limited, cancel = context.WithTimeout(ctx, foreignWait)
		}
		defer cancel()
		got, err = lock.TryLockContext(limited, 100*time.Millisecond)
		switch {
		case got:
		case ctx.Err() != nil:
			return nil, fmt.Errorf("waiting for %s, which finds or submits this target's job: %w", holder, context.Cause(ctx))
		case limited.Err() != nil:
			return nil, fmt.Errorf("%s still holds %s; if nothing of Perch runs there, remove that file and try again", holder, path)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("locking %s: %w; see that its folder can be written and its file system has locks", path, err)
	}
	writeHolder(path, host)
	return func() { lock.Unlock() }, nil
}

type holder struct{ host, pid string }

func (h holder) String() string {
	if h.host == "" {
		return "another perch"
	}
	return fmt.Sprintf("perch (process %s on %s)", h.pid, h.host)
}

func readHolder(path string) holder {
	data, err := os.ReadFile(path)
	if err != nil || len(data) > 512 {
		return holder{}
	}
	host, pid, _ := strings.Cut(strings.TrimSpace(string(data)), " ")
	return holder{host: host, pid: pid}
}

// writeHolder notes who has the lock; a note that cannot be written costs only
// the name in the other one's message.
func writeHolder(path, host string) {
	_ = os.WriteFile(path, fmt.Appendf(nil, "%s %d\n", host, os.Getpid()), 0o600)
}
