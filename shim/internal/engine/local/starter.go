package local

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"perch/shim/internal/engine"
	"perch/shim/internal/userlog"
)

// HTCondor's hold codes (manual, "Hold reason codes").
const (
	codeFailedToStart  = 6
	codeTransferOutput = 12
	codeTransferInput  = 13
)

// starter looks after one job.
type starter struct {
	q   queue
	job *entry
}

// outcome is how the job's program came to its end.
type outcome struct {
	process *os.ProcessState
	// told says that it was asked to end, and not by the entrypoint.
	told bool
}

// failure is why a job could not run: what the user log says, and HTCondor's
// code for it.
type failure struct {
	code int
	err  error
}

func (f *failure) Error() string { return f.err.Error() }

// Starter looks after the job whose folder is dir until it has left the queue
// or is held. It is the whole work of the process that Engine.Program runs for
// StarterCommand; SIGTERM, SIGINT and the end of ctx end the job. The error is
// for the starter's log.
func Starter(ctx context.Context, dir string) error {
	// The job's parent-death signal is sent at the end of the thread that
	// started the job (prctl(2), PR_SET_PDEATHSIG), so this one has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	ctx, stop := signal.NotifyContext(ctx, syscall.SIGTERM, syscall.SIGINT)
	defer stop()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("becoming a subreaper: %w", err)
	}
	s := &starter{q: queue{filepath.Dir(filepath.Dir(filepath.Clean(dir)))}}
	if err := s.take(dir); err != nil {
		return err
	}
	if !s.waitForCores(ctx) {
		return s.end(outcome{told: true})
	}
	result, err := s.run(ctx)
	if failed := (*failure)(nil); errors.As(err, &failed) {
		return s.hold(failed)
	}
	return join(err, s.end(result))
}

// take makes sure that the job has been given to this process: a submission
// that was broken off leaves a starter that nobody knows.
func (s *starter) take(dir string) error {
	self, err := identify(os.Getpid())
	if err != nil {
		return err
	}
	return s.locked(func() error {
		if s.job, err = load(dir); err != nil {
			return err
		}
		if s.job.status.Starter != self {
			return errors.New("this job has another starter, or none; nothing to do")
		}
		return nil
	})
}

// locked does something with the queue's lock. It waits for it however long it
// takes: without it, nothing of the job can be put down.
func (s *starter) locked(do func() error) error {
	unlock, err := s.q.lock(context.Background())
	if err != nil {
		return err
	}
	defer unlock()
	return do()
}

// update changes the job's status. What others have changed meanwhile stays.
func (s *starter) update(how func(*status) error) error {
	return s.locked(func() error {
		job, err := load(s.job.dir)
		if err != nil {
			return err
		}
		s.job.status = job.status
		if err := how(&s.job.status); err != nil || s.job.status == job.status {
			return err
		}
		return s.job.save()
	})
}

// run sets up the job, runs it and cleans up after it. An error of type failure
// means that it did not come to run, or did not end well.
func (s *starter) run(ctx context.Context) (outcome, error) {
	scratch := s.q.scratch(s.job.Cluster)
	if err := s.job.setUp(scratch); err != nil {
		return outcome{}, &failure{codeTransferInput, err}
	}
	t, err := s.job.task(scratch)
	if err != nil {
		return outcome{}, &failure{codeFailedToStart, err}
	}
	defer t.close()
	if err := t.cmd.Start(); err != nil {
		return outcome{}, &failure{codeFailedToStart, join(fmt.Errorf("starting the job: %w", err), t.end())}
	}
	err = s.update(func(now *status) error {
		if now.State != engine.Removed {
			now.enter(engine.Running, "")
		}
		return s.job.note(userlog.Event{Number: userlog.Execute, Host: s.job.address(),
			Slot: s.job.slot() + "@" + s.job.Host, Scratch: scratch})
	})
	result := s.attend(ctx, t)
	err = join(err, t.end())
	if !result.told {
		if e := s.job.transferOutput(scratch); e != nil {
			return result, &failure{codeTransferOutput, e}
		}
	}
	return result, err
}

// attend waits for the end of the job's program. When ctx ends, the program is
// asked to end, and killed when its time is over.
func (s *starter) attend(ctx context.Context, t *task) outcome {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = t.cmd.Wait() // what it says stands in ProcessState
	}()
	select {
	case <-ended:
		return outcome{process: t.cmd.ProcessState}
	case <-ctx.Done():
	}
	_ = t.cmd.Process.Signal(syscall.SIGTERM)
	timeout := time.NewTimer(s.job.Vacate)
	defer timeout.Stop()
	select {
	case <-ended:
	case <-timeout.C:
		complain(t.end())
		<-ended
	}
	return outcome{process: t.cmd.ProcessState, told: true}
}

// end puts down that the job has left the queue. What made the job end by
// itself, if it did, goes before what was asked for meanwhile.
func (s *starter) end(o outcome) error {
	scratch := s.q.scratch(s.job.Cluster)
	return s.update(func(now *status) error {
		if o.told {
			reason := now.Removal
			if reason == "" {
				reason = "the job's starter was asked to end (SIGTERM), perhaps because the machine goes down"
			}
			complain(s.job.leave(scratch, reason))
			return nil
		}
		complain(removeTree(scratch))
		complain(s.job.note(terminated(o.process)))
		now.enter(engine.Completed, "")
		now.Gone, now.Scratch = true, ""
		return nil
	})
}

// complain puts an error that changes nothing about the job into the starter's
// log.
func complain(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
	}
}

// terminated describes the end of a process. The job's processor time is that
// of all its processes that somebody waited for.
func terminated(state *os.ProcessState) userlog.Event {
	e := userlog.Event{Number: userlog.Terminated, UserTime: state.UserTime(), SystemTime: state.SystemTime()}
	if ws, ok := state.Sys().(syscall.WaitStatus); ok && ws.Signaled() {
		e.Signal = int(ws.Signal())
	} else {
		e.ReturnValue = state.ExitCode()
	}
	return e
}

// hold puts down that the job could not run, and keeps it in the queue.
func (s *starter) hold(f *failure) error {
	scratch := s.q.scratch(s.job.Cluster)
	reason := f.Error()
	return s.update(func(now *status) error {
		complain(removeTree(scratch))
		host := s.job.slot() + "@" + s.job.Host
		complain(s.job.note(userlog.Event{Number: userlog.RemoteError, Host: host, Reason: reason, Code: f.code}))
		complain(s.job.note(userlog.Event{Number: userlog.Held, Reason: reason, Code: f.code}))
		now.enter(engine.Held, reason)
		now.Scratch, now.Starter = "", process{}
		return nil
	})
}

// task is the job's program about to run.
type task struct {
	cmd *exec.Cmd
	// end kills all of the job's processes that are left, and returns when
	// they are gone.
	end func() error
	// files are open for the program.
	files []*os.File
}

func (t *task) close() {
	for _, f := range t.files {
		f.Close()
	}
}
