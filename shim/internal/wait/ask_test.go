package wait

import (
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"perch/shim/internal/engine"
)

// asked is a waiter that has not looked at any log.
func asked(t *testing.T) *waited {
	w := submitted(t, nil)
	w.state.State = engine.Idle
	return w
}

func TestLearn(t *testing.T) {
	w := asked(t)
	ask := func() {
		t.Helper()
		if err := w.ask(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	w.Reason(w.id, "no match found")
	w.logged = true
	if ask(); w.state.Reason != "no match found" {
		t.Errorf("why it is idle: %q", w.state.Reason)
	}
	// What the log says is newer than what the queue says.
	w.Silence(w.id, engine.Running, "")
	if ask(); w.state.State != engine.Idle {
		t.Errorf("against its log the job is %v", w.state.State)
	}
	w.logged = false
	if ask(); w.state.State != engine.Running {
		t.Errorf("without a log the job is %v", w.state.State)
	}
	w.Silence(w.id, engine.Held, "no such file")
	w.logged = true
	if ask(); w.state.State != engine.Held || !strings.Contains(w.verdict().Error(), "no such file") {
		t.Errorf("a job that was held at its submission is %v", w.state.State)
	}
}

// TestGone: a job is given up when the queue has missed it twice.
func TestGone(t *testing.T) {
	w := asked(t)
	w.Vanish(w.id)
	if err := w.ask(t.Context()); err != nil {
		t.Errorf("at once: %v", err)
	}
	err := w.ask(t.Context())
	if !errors.Is(err, ErrEnded) || !strings.Contains(err.Error(), "job 1.0 is not in the queue any more") {
		t.Errorf("error %v", err)
	}
}

func TestScheddAway(t *testing.T) {
	w := asked(t)
	w.Vanish(w.id)
	for range 5 {
		w.Fail(errors.New("asking the schedd: failed to connect"))
		if err := w.ask(t.Context()); err != nil {
			t.Errorf("a schedd that is away ends the wait: %v", err)
		}
	}
	if !strings.Contains(w.shown.all(), "failed to connect") {
		t.Errorf("the user reads %q", w.shown.all())
	}
}

// TestHowOftenItAsks: at most twice a minute, for the schedd's sake.
func TestHowOftenItAsks(t *testing.T) {
	w := asked(t)
	synctest.Test(t, func(t *testing.T) {
		w.asked = time.Now().Add(firstAsk - askInterval)
		for start := time.Now(); time.Since(start) < 5*time.Minute; time.Sleep(lookInterval) {
			if done, err := w.look(t.Context()); done || err != nil {
				t.Fatalf("%v, %v", done, err)
			}
		}
	})
	if n := w.Asked(); n != 10 {
		t.Errorf("asked %d times in five minutes, want 10", n)
	}
}

// TestKeepDoesNotStay: it is started now and then, and not for ever.
func TestKeepDoesNotStay(t *testing.T) {
	w := asked(t)
	starts := 0
	w.Keep = func(engine.Job) error { starts++; return nil }
	w.Silence(w.id, engine.Running, "")
	w.state.State = engine.Running
	var err error
	synctest.Test(t, func(t *testing.T) {
		for start := time.Now(); time.Since(start) < time.Minute && err == nil; time.Sleep(lookInterval) {
			_, err = w.look(t.Context())
		}
	})
	if err == nil || !strings.Contains(err.Error(), w.Target.State+"/keep.log") || starts != keepTries {
		t.Errorf("after %d starts: %v", starts, err)
	}
}
