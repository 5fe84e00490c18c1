package standin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"perch/shim/internal/proxy"
	"perch/shim/internal/target"
)

// connectFlag hands over a connection to a socket, whose path follows, and
// nothing more: no job is submitted.
const connectFlag = "--connect"

// CopyFlag is "perch proxy": it copies bytes between stdin, stdout and the job
// of the target that follows.
const CopyFlag = "--copy"

// ConnectCommand is the ProxyCommand, for the perch-ssh at path, that leads to
// sock and never submits a job.
func ConnectCommand(path, sock string) []string { return []string{path, connectFlag, sock} }

// proxy is what the stock ssh runs to get its connection. perch-ssh has seen
// to it that a carrier stands; if the job has died since, it does so again.
func (s *standIn) proxy(ctx context.Context, args []string) error {
	return s.reach(ctx, args, func(ctx context.Context, sock string) error { return proxy.SendFD(ctx, sock, os.Stdout) })
}

func (s *standIn) copy(ctx context.Context, args []string) error {
	var conn *os.File
	err := s.reach(ctx, args, func(ctx context.Context, sock string) (err error) {
		conn, err = proxy.Dial(ctx, sock)
		return err
	})
	if err != nil {
		return err
	}
	ctx, stop := untilSignal(ctx)
	defer stop()
	err = proxy.Copy(ctx, conn, os.Stdin, os.Stdout)
	if ctx.Err() != nil {
		// ssh ends its ProxyCommand by SIGHUP; that is no failure to tell of.
		return errSaid
	}
	return err
}

func (s *standIn) connect(ctx context.Context, args []string) error {
	if len(args) != 1 {
		return errors.New("a socket's path is missing; this flag is perch's own")
	}
	return proxy.SendFD(ctx, args[0], os.Stdout)
}

// take is the ProxyCommand of a carrier's ssh.
func (s *standIn) take(args []string) error {
	if len(args) != 1 {
		return errors.New("a socket's path is missing; this flag is perch keep's own")
	}
	return proxy.TakeFD(args[0], os.Stdout)
}

// A job that stops to answer is looked for anew so often, with a pause that
// trebles: HTCondor notices a job's end some seconds after it, and perch keep half
// a minute after it where condor_ssh_to_job hangs. A try may submit a job.
const (
	reachTries = 6
	reachPause = 200 * time.Millisecond
)

// answerLimit is how long an answer may take to come. HTCondor may leave without one
// a session that is made while a job ends, and keeps the job as long as that is not
// given up; perch keep has two enter a job at a time.
const answerLimit = 2 * time.Minute

// within calls use with a context that ends after limit, and says then that nobody
// answers.
func within(ctx context.Context, limit time.Duration, use func(ctx context.Context) error) error {
	limited, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	err := use(limited)
	if ctx.Err() == nil && errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("%w in %v", proxy.ErrDead, limit)
	}
	return err
}

// reach calls use with the target's socket; if nobody answers there, it has
// perch find or submit the job and calls it again.
func (s *standIn) reach(ctx context.Context, args []string, use func(ctx context.Context, sock string) error) error {
	try := func(t target.Target) error {
		return within(ctx, answerLimit, func(ctx context.Context) error { return use(ctx, t.Socket()) })
	}
	if len(args) != 1 {
		return errors.New("a target is missing: perch proxy JDL:path/to/file.jdl")
	}
	t, known, err := target.Known(args[0])
	if err != nil {
		return err
	}
	if known && t.Standing() {
		if err := try(t); !errors.Is(err, proxy.ErrDead) {
			return err
		}
	}
	for tries, wait := 1, reachPause; ; tries, wait = tries+1, 3*wait {
		if err := s.perch(ctx, "up", "--quiet", args[0]); err != nil {
			return err
		}
		if t, _, err = target.Known(args[0]); err != nil {
			return err
		}
		if err = try(t); !errors.Is(err, proxy.ErrDead) || tries == reachTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
