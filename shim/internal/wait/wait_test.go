package wait

import (
	"context"
	"errors"
	"log"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"perch/shim/internal/engine"
	"perch/shim/internal/engine/enginetest"
	"perch/shim/internal/keep"
	"perch/shim/internal/target"
	"perch/shim/internal/userlog"
)

func TestMain(m *testing.M) { os.Exit(enginetest.Main(m)) }

// shown is what a user has read.
type shown struct {
	mu    sync.Mutex
	texts []string
}

// Set is a Progress's.
func (s *shown) Set(text string, _ time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.texts) == 0 || s.texts[len(s.texts)-1] != text {
		s.texts = append(s.texts, text)
	}
}

func (s *shown) all() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return strings.Join(s.texts, "\n")
}

// waited is a job for which somebody waits.
type waited struct {
	*enginetest.Engine
	*Waiter
	t     *testing.T
	shown *shown
	id    string
	keeps int
}

// submitted makes a job, and a waiter that keeps its carrier in this process.
func submitted(t *testing.T, change func(*enginetest.Engine)) *waited {
	t.Helper()
	dir, err := os.MkdirTemp("", "wait")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	tg := target.Target{Name: "a", Hash: "0011", State: filepath.Join(dir, "state"), Runtime: filepath.Join(dir, "run")}
	if err := errors.Join(os.Mkdir(tg.State, 0o700), os.Mkdir(tg.Runtime, 0o700)); err != nil {
		t.Fatal(err)
	}
	w := &waited{Engine: enginetest.New(t), t: t, shown: &shown{}}
	if change != nil {
		change(w.Engine)
	}
	j, err := w.Submit(t.Context(), engine.Submission{Target: tg.Hash, Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	w.id = j.ID
	w.Waiter = &Waiter{Engine: w.Engine, Target: tg, Job: j, Progress: w.shown, Keep: w.keep}
	return w
}

func (w *waited) keep(j engine.Job) error {
	w.keeps++
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	keeper := keep.New(w.Engine, w.Target, j, log.New(w.t.Output(), "keep: ", 0))
	go func() { ended <- keeper.Run(ctx) }()
	w.t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.t.Errorf("keep: %v", err)
		}
	})
	return nil
}

// begin waits in the background.
func (w *waited) begin(ctx context.Context) <-chan error {
	done := make(chan error, 1)
	go func() { done <- w.Wait(ctx) }()
	return done
}

// seen waits until the user has read part.
func (w *waited) seen(part string) {
	w.t.Helper()
	enginetest.Await(w.t, "it is said that "+part, func() bool { return strings.Contains(w.shown.all(), part) })
}

func TestStands(t *testing.T) {
	t.Parallel()
	w := submitted(t, func(e *enginetest.Engine) { e.NotYet = 2 })
	done := w.begin(t.Context())
	w.seen("job 1.0 (a) idle")
	w.Note(w.id, userlog.Event{Number: userlog.RemoteError, Reason: "cannot mount the image"})
	w.seen("job 1.0 (a) idle; it could not be started: cannot mount the image")
	w.Start(w.id)
	w.seen("job 1.0 (a) runs, opening a connection to it")
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	if !w.Target.Standing() || w.keeps != 1 {
		t.Errorf("standing %v, %d keeps were started", w.Target.Standing(), w.keeps)
	}
	// A second one finds the carrier.
	if err := w.Wait(t.Context()); err != nil || w.keeps != 1 {
		t.Errorf("the second wait: %v, %d keeps", err, w.keeps)
	}
}

// TestEnds: what becomes of a job that somebody waits for, and what he reads.
func TestEnds(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name   string
		happen func(*waited)
		want   []string
		ended  bool
	}{
		{"held", func(w *waited) { w.Hold(w.id, "via condor_hold (by user alice)") },
			[]string{"job 1.0 is held since ", "via condor_hold (by user alice)", "condor_release 1.0", "perch stop"}, false},
		{"held after it ran", func(w *waited) { w.Start(w.id); w.Hold(w.id, "memory limit") },
			[]string{"job 1.0 is held since ", "memory limit; it has run and its home is gone", "perch stop, then connect again"}, false},
		{"held for no reason", func(w *waited) { w.Hold(w.id, "") }, []string{"no reason is given"}, false},
		{"removed", func(w *waited) { w.Abort(w.id, "via condor_rm (by user alice)") },
			[]string{"job 1.0 was removed (via condor_rm (by user alice))"}, true},
		{"completed", func(w *waited) { w.Start(w.id); w.Terminate(w.id, 3) },
			[]string{"job 1.0 is over (exit status 3); perch logs shows its output"}, true},
		{"completed with a code of the entrypoint's", func(w *waited) { w.Start(w.id); w.Terminate(w.id, 71) },
			[]string{"job 1.0 is over (the job got no keys)"}, true},
		{"killed", func(w *waited) {
			w.Start(w.id)
			w.Note(w.id, userlog.Event{Number: userlog.Terminated, Signal: 9})
		}, []string{"job 1.0 is over (ended by signal 9)"}, true},
		{"evicted", func(w *waited) { w.Start(w.id); w.Evict(w.id, "vacated") },
			[]string{"job 1.0 was put off its slot (vacated), and its home is gone"}, true},
		{"starter errors", func(w *waited) {
			for range starterErrors {
				w.StarterError(w.id, "Singularity test failed: no such file")
			}
		}, []string{"job 1.0 does not start: Singularity test failed: no such file", "perch stop"}, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := submitted(t, func(e *enginetest.Engine) { e.NotYet = 1 << 20 })
			done := w.begin(t.Context())
			w.seen("idle")
			c.happen(w)
			err := <-done
			if err == nil || errors.Is(err, ErrEnded) != c.ended || strings.Contains(err.Error(), "\n") {
				t.Fatalf("%v; ErrEnded is wanted: %v", err, c.ended)
			}
			for _, part := range c.want {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("no %q in %q", part, err)
				}
			}
			if got := w.Removals(); got != nil {
				t.Errorf("waiting has removed %v", got)
			}
		})
	}
}

// TestPast: what is over is not acted on, be the job idle or running now.
func TestPast(t *testing.T) {
	t.Parallel()
	w := submitted(t, nil)
	for range starterErrors {
		w.StarterError(w.id, "no such image")
	}
	w.Hold(w.id, "no such image")
	w.Silence(w.id, engine.Idle, "")
	w.Note(w.id, userlog.Event{Number: userlog.Released, Reason: "via condor_release"})
	done := w.begin(t.Context())
	w.seen("job 1.0 (a) idle")
	w.Start(w.id)
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestHeldAlready: the queue had said so, and the log need not be read.
func TestHeldAlready(t *testing.T) {
	t.Parallel()
	w := submitted(t, nil)
	w.Waiter.Job.State, w.Waiter.Job.Reason = engine.Held, "no such file"
	if err := w.Wait(t.Context()); err == nil || !strings.Contains(err.Error(), "no such file") {
		t.Errorf("error %v", err)
	}
}

// TestTimeIsUp: the job stays, and the user reads which one and that a retry
// finds it.
func TestTimeIsUp(t *testing.T) {
	t.Parallel()
	for _, cause := range []error{ErrStillQueued, context.DeadlineExceeded} {
		w := submitted(t, nil)
		ctx, cancel := context.WithTimeoutCause(t.Context(), 300*time.Millisecond, cause)
		err := w.Wait(ctx)
		cancel()
		if err == nil || !strings.HasPrefix(err.Error(), "job 1.0 (a) is idle since ") ||
			!strings.HasSuffix(err.Error(), ": the job stays queued; try again, the next call finds it") {
			t.Errorf("%v: error %v", cause, err)
		}
		if jobs, _ := w.Find(t.Context(), ""); len(jobs) != 1 || w.Removals() != nil {
			t.Errorf("%v: the queue has %v", cause, jobs)
		}
	}
}

// TestSignalled: the job is left, and the signal named.
func TestSignalled(t *testing.T) {
	t.Parallel()
	w := submitted(t, nil)
	ctx, cancel := context.WithCancelCause(t.Context())
	done := w.begin(ctx)
	w.seen("idle")
	hangup := errors.New("hangup")
	cancel(hangup)
	if err := <-done; !errors.Is(err, hangup) || w.Removals() != nil {
		t.Errorf("error %v, removed %v", err, w.Removals())
	}
}

func TestCarrierBreaksMeanwhile(t *testing.T) {
	t.Parallel()
	w := submitted(t, func(e *enginetest.Engine) { e.Serve = enginetest.Say("SSH-2.0-Perch_999") })
	w.Start(w.id)
	err := w.Wait(t.Context())
	if err == nil || !strings.Contains(err.Error(), "job 1.0: the job's perch-entrypoint speaks contract 999") {
		t.Errorf("another contract: %v", err)
	}
}

// TestKeepCannotStart: the reason comes through at once.
func TestKeepCannotStart(t *testing.T) {
	t.Parallel()
	w := submitted(t, nil)
	cause := errors.New("starting perch keep: no such file")
	w.Keep = func(engine.Job) error { return cause }
	w.Start(w.id)
	if err := w.Wait(t.Context()); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}
