package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strconv"
	"strings"
	"time"

	"perch/shim/internal/engine"
	"perch/shim/internal/userlog"
)

// Engine runs jobs on this machine.
type Engine struct {
	// Program is the path of the perch command, which runs each job's starter.
	Program string
}

var _ engine.Engine = (*Engine)(nil)

// holdAtSubmission is HTCondor's text and code for "hold = true".
const (
	holdAtSubmission     = "submitted on hold at user's request"
	holdAtSubmissionCode = 15
)

// Queue returns "local@" and this machine's name: on a home that machines share,
// each has jobs of its own.
func (e *Engine) Queue() string {
	host, err := os.Hostname()
	if err != nil {
		host = "localhost"
	}
	return "local@" + host
}

// Submit makes a job of the submit description and starts it. See the package
// text for what counts in the submit description.
func (e *Engine) Submit(ctx context.Context, s engine.Submission) (engine.Job, error) {
	q, err := openQueue()
	if err != nil {
		return engine.Job{}, err
	}
	cluster, err := q.allocate(ctx)
	if err != nil {
		return engine.Job{}, err
	}
	d, err := describe(ctx, s, cluster, q.folder(cluster))
	if err != nil {
		return engine.Job{}, err
	}
	unlock, err := q.lock(ctx)
	if err != nil {
		return engine.Job{}, err
	}
	defer unlock()
	q.prune()
	job, err := e.enqueue(q, d)
	if err != nil {
		os.RemoveAll(q.folder(cluster))
		return engine.Job{}, err
	}
	return job.job(), nil
}

// enqueue makes the job's folder and its starter. The caller has the lock, and
// removes the folder where this fails.
func (e *Engine) enqueue(q queue, d *description) (*entry, error) {
	job, err := q.add(d)
	if err != nil {
		return nil, err
	}
	if err := job.note(userlog.Event{Number: userlog.Submit, Host: d.address()}); err != nil {
		return nil, err
	}
	if d.Hold {
		job.status.enter(engine.Held, holdAtSubmission)
		err = job.note(userlog.Event{Number: userlog.Held, Reason: holdAtSubmission, Code: holdAtSubmissionCode})
	} else {
		job.status.enter(engine.Idle, "")
		job.status.Starter, err = e.startStarter(job)
	}
	if err == nil {
		err = job.save()
	}
	if err != nil {
		_ = job.note(userlog.Event{Number: userlog.Aborted, Reason: "the submission failed"})
		return nil, err
	}
	return job, nil
}

// note writes an event of the job into its user log.
func (e *entry) note(event userlog.Event) error {
	event.Job, event.Time = e.id(), time.Now()
	return userlog.Append(e.Log, event)
}

// Find returns the jobs of a target that have not left the queue, or all. It
// also puts down the end of jobs whose starter was killed, and ends what these
// left behind.
func (e *Engine) Find(ctx context.Context, target string) ([]engine.Job, error) {
	q, err := openQueue()
	if err != nil {
		return nil, err
	}
	// A starter notes the end in the user log before it notes it here, both while
	// it has the lock: who has read of the end there does not find the job here.
	unlock, err := q.lock(ctx)
	if err != nil {
		return nil, err
	}
	unlock()
	entries, err := q.entries()
	if err != nil {
		return nil, err
	}
	var jobs []engine.Job
	for _, entry := range entries {
		if entry.abandoned() {
			entry, err = q.recover(ctx, entry)
			if ctx.Err() != nil {
				return nil, ctx.Err()
			}
			if err != nil { // one such job must not hide the others
				entry.status.Reason = err.Error()
			}
		}
		if !entry.status.Gone && (target == "" || entry.Target == target) {
			jobs = append(jobs, entry.job())
		}
	}
	return jobs, nil
}

// Remove takes a job out of the queue. What runs gets SIGTERM, and SIGKILL after
// the time that the job has been given; Remove does not wait for that.
func (e *Engine) Remove(ctx context.Context, j engine.Job, reason string) error {
	if reason == "" {
		reason = "via perch stop"
	}
	return change(ctx, j, func(q queue, job *entry) error {
		job.status.Removal = reason
		if !job.status.Starter.alive() {
			return job.clearAway(ctx, q, reason)
		}
		job.status.enter(engine.Removed, reason)
		if err := job.save(); err != nil {
			return err
		}
		if err := job.status.Starter.terminate(); err != nil {
			return fmt.Errorf("removing job %s: %w", j.ID, err)
		}
		return nil
	})
}

// Release starts a job that was held.
func (e *Engine) Release(ctx context.Context, j engine.Job) error {
	return change(ctx, j, func(_ queue, job *entry) error {
		if job.status.State != engine.Held {
			return fmt.Errorf("releasing job %s: it is %s, not held", j.ID, job.status.State)
		}
		starter, err := e.startStarter(job)
		if err != nil {
			return err
		}
		job.status.enter(engine.Idle, "")
		job.status.Starter = starter
		return join(job.note(userlog.Event{Number: userlog.Released, Reason: "via perch"}), job.save())
	})
}

// change changes a job under the queue's lock, unless it has left the queue.
func change(ctx context.Context, j engine.Job, how func(queue, *entry) error) error {
	cluster, err := clusterOf(j)
	if err != nil {
		return err
	}
	q, err := openQueue()
	if err != nil {
		return err
	}
	unlock, err := q.lock(ctx)
	if err != nil {
		return err
	}
	defer unlock()
	job, err := load(q.folder(cluster))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil || job.status.Gone {
		return err
	}
	return how(q, job)
}

// join makes one error of several, with a text of one line.
func join(errs ...error) error {
	err := errors.Join(errs...)
	if err == nil || !strings.Contains(err.Error(), "\n") {
		return err
	}
	return errors.New(strings.ReplaceAll(err.Error(), "\n", "; "))
}

func clusterOf(j engine.Job) (int, error) {
	text, ok := strings.CutSuffix(j.ID, ".0")
	cluster, err := strconv.Atoi(text)
	if err != nil || !ok || cluster < 1 {
		return 0, fmt.Errorf("%q is no job of the local engine", j.ID)
	}
	return cluster, nil
}
