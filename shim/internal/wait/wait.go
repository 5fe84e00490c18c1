// Package wait stays with a job until a carrier to it stands, and tells the
// user meanwhile what it waits for. It learns from the job's user log, and asks
// the queue only where the log cannot tell.
package wait

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
	"perch/shim/internal/keep"
	"perch/shim/internal/target"
	"perch/shim/internal/userlog"
)

const (
	// askInterval is how often the queue is asked, at most.
	askInterval = 30 * time.Second
	// firstAsk is when the queue is asked for the first time: the reason why
	// a job is idle is known after the first negotiation.
	firstAsk = 8 * time.Second
	// lookInterval is how often the carrier's status is looked at.
	lookInterval = 50 * time.Millisecond
	// keepPause is how long a keep that was started may take to have its lock,
	// and keepTries how many may fail to.
	keepPause = 2 * time.Second
	keepTries = 10
	// entryLimit ends the wait for a running job that lets nobody in. A site
	// that forbids condor_ssh_to_job answers as one does whose container is
	// not up yet.
	entryLimit = 2 * time.Minute
	// starterErrors end the wait: the next try would end in the same way.
	starterErrors = 3
)

// ErrEnded says that the job left the queue, or will not start again, before a
// carrier to it stood.
var ErrEnded = errors.New("the job has ended")

// ErrStillQueued says that time was up first.
var ErrStillQueued = errors.New("the job stays queued; try again, the next call finds it")

// Progress shows the user what is waited for, and since when.
type Progress interface {
	Set(text string, since time.Time)
}

// Waiter waits for one job.
type Waiter struct {
	Engine   engine.Engine
	Target   target.Target
	Job      engine.Job
	Progress Progress
	// Keep starts the job's keep.
	Keep func(engine.Job) error

	state  userlog.State
	logged bool
	keepAt time.Time
	// running is when it was first seen running.
	running time.Time
	keeps   int
	asked   time.Time
	missing int
}

// Wait returns nil when a carrier to the job stands: keep has seen an SSH banner
// through it. Its errors leave the job as it is.
func (w *Waiter) Wait(ctx context.Context) error {
	own, cancel := context.WithCancel(ctx)
	defer cancel()
	w.asked = time.Now().Add(firstAsk - askInterval)
	w.state = userlog.State{State: w.Job.State, Since: w.Job.Since, Reason: w.Job.Reason}
	if w.state.State == engine.Running {
		if done, err := w.carrier(ctx); done || err != nil {
			return err
		}
	}
	events := userlog.Follow(own, w.Job.Log, w.Job.ID)
	look := time.NewTicker(lookInterval)
	defer look.Stop()
	for {
		if err := w.verdict(); err != nil {
			return err
		}
		select {
		case some := <-events:
			for _, e := range some {
				w.state.Add(e)
				w.logged = true
			}
		case <-look.C:
			w.show()
			if done, err := w.look(ctx); done || err != nil {
				return err
			}
		case <-ctx.Done():
			return w.interrupted(ctx)
		}
	}
}

// verdict ends the wait where nothing can come of it.
func (w *Waiter) verdict() error {
	id, s := w.Job.ID, &w.state
	switch {
	case s.State == engine.Held && s.Starts > 0:
		return fmt.Errorf("job %s is held since %s: %s; it has run and its home is gone: end it by perch stop, then connect again",
			id, clock(s.Since), orUnknown(s.Reason))
	case s.State == engine.Held:
		return fmt.Errorf("job %s is held since %s: %s; see to the reason and run condor_release %s, or end it by perch stop",
			id, clock(s.Since), orUnknown(s.Reason), id)
	case s.State == engine.Completed:
		return fmt.Errorf("job %s is over (%s); perch logs shows its output: %w", id, endOf(s), ErrEnded)
	case s.State == engine.Removed && s.StarterErrors > 0:
		return fmt.Errorf("job %s did not start: %s; look at its image: %w", id, s.StarterError, ErrEnded)
	case s.State == engine.Removed:
		return fmt.Errorf("job %s was removed (%s): %w", id, orUnknown(s.Reason), ErrEnded)
	case s.State == engine.Idle && s.Starts > 0 && s.StarterErrors == 0:
		return fmt.Errorf("job %s was put off its slot (%s), and its home is gone: %w", id, orUnknown(s.Reason), ErrEnded)
	case !w.running.IsZero() && time.Since(w.running) > entryLimit:
		return fmt.Errorf("job %s runs since %s, but nobody can enter it (%s): its container does not come up, or the site forbids condor_ssh_to_job; ask your administrator, or end it by perch stop",
			id, clock(s.Since), orUnknown(keep.ReadStatus(w.Target).Text))
	case s.StarterErrors >= starterErrors:
		return fmt.Errorf("job %s does not start: %s; look at its image, then end it by perch stop", id, s.StarterError)
	}
	return nil
}

func (w *Waiter) show() {
	id, s := w.Job.ID, &w.state
	name := "job " + id + " (" + w.Target.Name + ")"
	if s.State != engine.Running {
		text := name + " " + s.String()
		if s.StarterError != "" {
			text += "; it could not be started: " + s.StarterError
		}
		w.Progress.Set(text, s.Since)
		return
	}
	text := name + " runs, opening a connection to it"
	if c := keep.ReadStatus(w.Target); c.Job == id && c.Text != "" {
		text += ": " + c.Text
	}
	w.Progress.Set(text, s.Since)
}

// look sees whether the carrier stands; starts keep where it is needed; and
// asks the queue where the log is silent.
func (w *Waiter) look(ctx context.Context) (done bool, err error) {
	if w.state.State != engine.Running {
		w.running = time.Time{}
	} else {
		if w.running.IsZero() {
			w.running = time.Now()
		}
		if done, err := w.carrier(ctx); done || err != nil {
			return done, err
		}
	}
	if time.Since(w.asked) < askInterval {
		return false, nil
	}
	w.asked = time.Now()
	return false, w.ask(ctx)
}

func (w *Waiter) carrier(ctx context.Context) (done bool, err error) {
	c := keep.ReadStatus(w.Target)
	if !w.Target.Kept() {
		return false, w.startKeep()
	}
	w.keeps = 0
	switch {
	case c.Job != w.Job.ID:
		return false, nil
	case c.Phase == keep.Refused:
		return false, fmt.Errorf("job %s: %s", w.Job.ID, c.Text)
	case c.Phase != keep.Standing:
		return false, nil
	}
	return w.Target.Standing(), nil
}

// startKeep starts a keep unless one was just started. One that cannot stay,
// such as on a full disk, says why in its log.
func (w *Waiter) startKeep() error {
	if time.Since(w.keepAt) < keepPause {
		return nil
	}
	if w.keeps++; w.keeps > keepTries {
		return fmt.Errorf("job %s runs, but perch keep, which holds the connection to it, ends each time it is started; see %s",
			w.Job.ID, filepath.Join(w.Target.State, target.KeepLog))
	}
	w.keepAt = time.Now()
	return w.Keep(w.Job)
}

// ask has the queue say what the log does not: that the job runs although the
// log cannot be read, why it is idle, or that it is gone.
func (w *Waiter) ask(ctx context.Context) error {
	jobs, err := w.Engine.Find(ctx, w.Target.Hash)
	if err != nil {
		// A schedd that is away for a while is no reason to give up.
		w.Progress.Set(err.Error(), time.Now())
		return nil
	}
	for _, j := range jobs {
		if j.ID == w.Job.ID {
			w.missing = 0
			w.learn(j)
			return nil
		}
	}
	if w.missing++; w.missing > 1 {
		return fmt.Errorf("job %s is not in the queue any more: %w", w.Job.ID, ErrEnded)
	}
	return nil
}

func (w *Waiter) learn(j engine.Job) {
	switch {
	case j.State == w.state.State && j.Reason != "":
		w.state.Reason = j.Reason
	case !w.logged, j.State == engine.Held:
		w.state.State, w.state.Since, w.state.Reason = j.State, j.Since, j.Reason
	}
}

func (w *Waiter) interrupted(ctx context.Context) error {
	cause := context.Cause(ctx)
	if errors.Is(cause, context.DeadlineExceeded) {
		cause = ErrStillQueued
	}
	if w.state.State == engine.Running && errors.Is(cause, ErrStillQueued) {
		return fmt.Errorf("job %s (%s) runs since %s, but cannot be entered yet; try again, the next call finds it", w.Job.ID, w.Target.Name, clock(w.state.Since))
	}
	return fmt.Errorf("job %s (%s) is %s since %s: %w", w.Job.ID, w.Target.Name, w.state.State, clock(w.state.Since), cause)
}

func endOf(s *userlog.State) string {
	if s.Signal != 0 {
		return fmt.Sprintf("ended by signal %d", s.Signal)
	}
	if text := contract.ExitText(s.ReturnValue); text != "" {
		return text
	}
	return fmt.Sprintf("exit status %d", s.ReturnValue)
}

func clock(t time.Time) string { return t.Format("15:04:05") }

func orUnknown(reason string) string {
	if reason == "" {
		return "no reason is given"
	}
	return reason
}
