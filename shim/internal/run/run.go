// Package run is the story of a call: find the target's job or submit it, wait
// for it, and leave with a carrier standing.
package run

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/adrg/xdg"

	"perch/shim/internal/config"
	"perch/shim/internal/engine"
	"perch/shim/internal/keep"
	"perch/shim/internal/keys"
	"perch/shim/internal/target"
	"perch/shim/internal/template"
	"perch/shim/internal/userlog"
	"perch/shim/internal/wait"
	"perch/shim/say"
)

// vacate is the time that a job asks for between SIGTERM and SIGKILL. With
// HTCondor's default of ten minutes a job that hangs would hold its slot.
const vacate = 20 * time.Second

// The queue may be behind the user log with a job's end: so often it is asked
// again, with this pause, before the log is believed to be another job's.
const (
	endedTries = 30
	endedPause = 300 * time.Millisecond
)

// StopReason is what HTCondor notes of a job that Perch had to remove.
const StopReason = "via perch stop"

// Runner does what the user's commands have in common. All fields are set.
type Runner struct {
	Engine   engine.Engine
	Settings config.Settings
	Say      *say.Printer
	Paths    Paths
}

// Paths are the programs that Perch's parts start.
type Paths struct {
	// Perch, PerchSSH and Entrypoint are Perch's own; SSH is the stock client.
	Perch, PerchSSH, Entrypoint, SSH string
}

// Target finds the target that arg names: a submit description, or a template.
func (r *Runner) Target(arg string) (target.Target, error) {
	if err := template.Prepare(arg); err != nil {
		return target.Target{}, err
	}
	return target.Resolve(arg, r.Engine.Queue(), xdg.StateHome)
}

// Prepare finds the target that arg names and makes its folders, keys and
// ssh_config, without looking for a job.
func (r *Runner) Prepare(ctx context.Context, arg string) (target.Target, error) {
	t, err := r.Target(arg)
	if err != nil {
		return t, err
	}
	if err := t.MakeDirs(); err != nil {
		return t, err
	}
	if _, err := keys.Load(t.State); err == nil {
		return t, t.WriteConfig(r.Paths.PerchSSH)
	}
	release, err := r.lock(ctx, t)
	if err != nil {
		return t, err
	}
	defer release()
	if _, err := keys.Make(t.State, t.HostKeyAlias(), r.Settings.AuthorizedKeysFile); err != nil {
		return t, err
	}
	return t, t.WriteConfig(r.Paths.PerchSSH)
}

// Up makes sure that one job of the target that arg names runs and that a
// carrier to it stands.
func (r *Runner) Up(ctx context.Context, arg string) (target.Target, engine.Job, error) {
	t, err := r.Target(arg)
	if err != nil {
		return t, engine.Job{}, err
	}
	if err := t.MakeDirs(); err != nil {
		return t, engine.Job{}, err
	}
	for try := 0; ; try++ {
		job, submitted, err := r.findOrSubmit(ctx, t)
		if err != nil {
			return t, job, err
		}
		err = r.wait(ctx, t, job)
		if err == nil {
			return t, job, nil
		}
		// A job that ended between the query and now makes room for the next.
		if submitted || !errors.Is(err, wait.ErrEnded) || try == endedTries {
			return t, job, err
		}
		if try == 0 {
			r.Say.Line("%v", err)
		}
		select {
		case <-ctx.Done():
			return t, job, err
		case <-time.After(endedPause):
		}
	}
}

// findOrSubmit asks the queue and submits, under the target's lock.
func (r *Runner) findOrSubmit(ctx context.Context, t target.Target) (job engine.Job, submitted bool, err error) {
	release, err := r.lock(ctx, t)
	if err != nil {
		return engine.Job{}, false, err
	}
	defer release()
	job, found, err := r.find(ctx, t)
	if err != nil {
		return job, false, err
	}
	if found {
		return job, false, r.adopt(t, job)
	}
	job, err = r.submit(ctx, t)
	return job, err == nil, err
}

// find returns the target's live job. One that was evicted would never start
// again and is taken out of the queue.
func (r *Runner) find(ctx context.Context, t target.Target) (engine.Job, bool, error) {
	jobs, err := r.Engine.Find(ctx, t.Hash)
	if err != nil {
		return engine.Job{}, false, err
	}
	var live []engine.Job
	for _, j := range jobs {
		switch {
		case j.Live():
			live = append(live, j)
		case j.Evicted:
			r.Say.Line("job %s was put off its slot and its home is gone; submitting a new one", j.ID)
			if err := r.Engine.Remove(ctx, j, "perch: the job was evicted"); err != nil {
				return engine.Job{}, false, err
			}
		}
	}
	switch len(live) {
	case 0:
		return engine.Job{}, false, nil
	case 1:
		return live[0], true, nil
	}
	return engine.Job{}, false, fmt.Errorf("jobs %s and %s both carry the target %s; end one by condor_rm", live[0].ID, live[1].ID, t.Hash)
}

// adopt checks that a job that was found is one that this folder has the keys
// of, and says what the user should know about it.
func (r *Runner) adopt(t target.Target, j engine.Job) error {
	set, err := keys.Load(t.State)
	if err != nil || set.Fingerprint != j.Key {
		return fmt.Errorf("job %s runs for this target, but its key is not here (%s); end it by: perch stop %s%s",
			j.ID, t.State, target.Prefix, t.JDL)
	}
	if err := t.WriteConfig(r.Paths.PerchSSH); err != nil {
		return err
	}
	n := t.Note()
	hash, err := t.JDLHash()
	if err != nil {
		return err
	}
	if n.Job.ID == j.ID {
		if n.JDLHash != hash {
			r.Say.Line("%s", t.ChangedLine(j.ID))
		}
		if n.Job.Log == j.Log {
			return nil
		}
		hash = n.JDLHash
	}
	// Submitted, but not noted, or not with the log that the queue names: the
	// shim that did it was cut off.
	return t.WriteNote(target.Note{Job: j, JDL: t.JDL, JDLHash: hash, Queue: r.Engine.Queue(), Submitted: j.Since})
}

func (r *Runner) submit(ctx context.Context, t target.Target) (engine.Job, error) {
	set, err := keys.Make(t.State, t.HostKeyAlias(), r.Settings.AuthorizedKeysFile)
	if err != nil {
		return engine.Job{}, err
	}
	if err := t.WriteConfig(r.Paths.PerchSSH); err != nil {
		return engine.Job{}, err
	}
	hash, err := t.JDLHash()
	if err != nil {
		return engine.Job{}, err
	}
	r.sayLost(t.Note().Job)
	job, err := r.Engine.Submit(ctx, engine.Submission{
		JDL: t.JDL, Target: t.Hash, Name: t.Name,
		HostKey: set.HostKey, AuthorizedKeys: set.AuthorizedKeys, Fingerprint: set.Fingerprint,
		Entrypoint: r.Paths.Entrypoint, Log: t.LogPath(),
		IdleTimeout: r.Settings.IdleTimeout, IdleConnected: r.Settings.IdleConnected,
		Vacate: vacate, Notice: func(text string) { r.Say.Line("%s", text) },
	})
	if err != nil {
		return job, err
	}
	r.Say.Line("submitted job %s for %s", job.ID, t.Name)
	// The job is in the queue, and found there; a note that fails only warns.
	if err := t.WriteNote(target.Note{Job: job, JDL: t.JDL, JDLHash: hash, Queue: r.Engine.Queue(), Submitted: time.Now()}); err != nil {
		r.Say.Line("%v", err)
	}
	return job, nil
}

// sayLost says so if the target's last job did not end by itself or by its
// user: what was in its home is not in the new one's.
func (r *Runner) sayLost(last engine.Job) {
	state := userlog.Past(last.Log, last.ID)
	if state.State == engine.Removed && state.Starts > 0 && !strings.Contains(state.Reason, StopReason) {
		r.Say.Line("job %s was removed (%s), and its home is gone; the new job's home is new", last.ID, state.Reason)
	}
}

func (r *Runner) wait(ctx context.Context, t target.Target, j engine.Job) error {
	if j.Notice != "" {
		r.Say.Line("%s", j.Notice)
	}
	progress := r.Say.Progress()
	defer progress.Done("")
	w := wait.Waiter{Engine: r.Engine, Target: t, Job: j, Progress: progress,
		Keep: func(j engine.Job) error { return keep.Start(r.Paths.Perch, t, j) }}
	return w.Wait(ctx)
}

func (r *Runner) lock(ctx context.Context, t target.Target) (func(), error) {
	return t.Lock(ctx, func(holder string) {
		r.Say.Line("%s is finding or submitting the job of this target; waiting for it", holder)
	})
}
