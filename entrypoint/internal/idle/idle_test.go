package idle

import (
	"context"
	"testing"
	"time"
)

func TestDue(t *testing.T) {
	const minute = time.Minute
	for _, test := range []struct {
		name               string
		timeout, connected time.Duration
		did                func(*Watch)
		later              time.Duration
		ends               bool
	}{
		{"nobody came, too early", 30 * minute, 0, func(*Watch) {}, 29 * minute, false},
		{"nobody came", 30 * minute, 0, func(*Watch) {}, 31 * minute, true},
		{"never", 0, 0, func(*Watch) {}, 1e6 * minute, false},
		{"somebody is here", 30 * minute, 0, (*Watch).Enter, 1e6 * minute, false},
		{"one of two left", 30 * minute, 0, func(w *Watch) { w.Enter(); w.Enter(); w.Leave() }, 1e6 * minute, false},
		{"both left", 30 * minute, 0, func(w *Watch) { w.Enter(); w.Enter(); w.Leave(); w.Leave() }, 31 * minute, true},
		{"here and quiet", 0, 60 * minute, (*Watch).Enter, 61 * minute, true},
		{"here, not quiet for long", 0, 60 * minute, (*Watch).Enter, 59 * minute, false},
		{"quiet counts only while somebody is here", 0, 60 * minute, func(w *Watch) { w.Enter(); w.Leave() }, 61 * minute, false},
	} {
		t.Run(test.name, func(t *testing.T) {
			w := New(test.timeout, test.connected)
			test.did(w)
			left, reason := w.due(time.Now().Add(test.later))
			if ends := left <= 0; ends != test.ends || ends && reason == "" {
				t.Errorf("%v later: got %v left and reason %q, want an end: %v", test.later, left, reason, test.ends)
			}
		})
	}
}

// A byte that moves puts the end off.
func TestTouch(t *testing.T) {
	w := New(0, time.Hour)
	w.Enter()
	w.start = w.start.Add(-2 * time.Hour) // as if it had begun two hours ago
	w.moved.Store(0)
	if left, _ := w.due(time.Now()); left > 0 {
		t.Fatalf("after two quiet hours there are %v left", left)
	}
	w.Touch()
	if left, _ := w.due(time.Now()); left <= 0 {
		t.Error("the job would end although a byte has just moved")
	}
}

func TestWait(t *testing.T) {
	w := New(time.Millisecond, 0)
	if reason := w.Wait(t.Context()); reason == "" {
		t.Error("an idle job ended without a reason")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if reason := New(0, 0).Wait(ctx); reason != "" {
		t.Errorf("got the reason %q although nothing has happened", reason)
	}
}

// Somebody who comes while Wait sleeps, and leaves, begins the time anew.
func TestWaitSeesChanges(t *testing.T) {
	w := New(time.Hour, 0)
	ended := make(chan string)
	go func() { ended <- w.Wait(t.Context()) }()
	w.Enter()
	w.mu.Lock()
	w.timeout = time.Millisecond
	w.mu.Unlock()
	w.Leave()
	if reason := <-ended; reason == "" {
		t.Error("no reason")
	}
}
