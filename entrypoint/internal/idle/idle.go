// Package idle decides when a job has been left alone for long enough to end.
package idle

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Watch counts the users' connections and notes when something last moved
// through them. Make one with New; its methods may be called at any time.
type Watch struct {
	timeout, connected time.Duration
	start              time.Time
	moved              atomic.Int64 // since start

	mu      sync.Mutex
	count   int
	alone   time.Time // since when count has been 0
	changed chan struct{}
}

// New returns a watch that ends the job after timeout without a connection, and
// after connected without a byte moved; 0 means never.
func New(timeout, connected time.Duration) *Watch {
	now := time.Now()
	return &Watch{timeout: timeout, connected: connected, start: now, alone: now, changed: make(chan struct{}, 1)}
}

// Enter says that a user has connected. Leave has to follow.
func (w *Watch) Enter() {
	w.Touch()
	w.change(1)
}

// Leave says that a user's connection has ended.
func (w *Watch) Leave() { w.change(-1) }

// Touch says that something moved: a byte of a command, terminal or forward.
func (w *Watch) Touch() { w.moved.Store(int64(time.Since(w.start))) }

func (w *Watch) change(by int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count += by; w.count == 0 {
		w.alone = time.Now()
	}
	select {
	case w.changed <- struct{}{}:
	default:
	}
}

// Wait blocks until the job should end and says why, or returns "" when ctx
// ends.
func (w *Watch) Wait(ctx context.Context) string {
	for {
		left, reason := w.due(time.Now())
		if left <= 0 {
			return reason
		}
		timer := time.NewTimer(left)
		select {
		case <-ctx.Done():
			timer.Stop()
			return ""
		case <-w.changed:
			timer.Stop()
		case <-timer.C:
		}
	}
}

// never is longer than any job lives.
const never = 100 * 365 * 24 * time.Hour

// due says how long it is from now until the job should end as things stand,
// and the reason that it would have then.
func (w *Watch) due(now time.Time) (time.Duration, string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.count == 0 {
		if w.timeout <= 0 {
			return never, ""
		}
		return w.timeout - now.Sub(w.alone), fmt.Sprintf("nobody has been connected for %v", w.timeout)
	}
	if w.connected <= 0 {
		return never, ""
	}
	moved := w.start.Add(time.Duration(w.moved.Load()))
	return w.connected - now.Sub(moved), fmt.Sprintf("nothing has moved in any connection for %v", w.connected)
}
