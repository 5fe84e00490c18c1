package standin

import (
	"context"
	"errors"
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
	return s.reach(ctx, args, func(sock string) error { return proxy.SendFD(ctx, sock, os.Stdout) })
}

func (s *standIn) copy(ctx context.Context, args []string) error {
	var conn *os.File
	err := s.reach(ctx, args, func(sock string) (err error) {
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

// reach calls use with the target's socket; if nobody answers there, it has
// perch find or submit the job and calls it again.
func (s *standIn) reach(ctx context.Context, args []string, use func(sock string) error) error {
	if len(args) != 1 {
		return errors.New("a target is missing: perch proxy JDL:path/to/file.jdl")
	}
	t, known, err := target.Known(args[0])
	if err != nil {
		return err
	}
	if known && t.Standing() {
		if err := use(t.Socket()); !errors.Is(err, proxy.ErrDead) {
			return err
		}
	}
	for try, wait := 1, reachPause; ; try, wait = try+1, 3*wait {
		if err := s.perch(ctx, "up", "--quiet", args[0]); err != nil {
			return err
		}
		if t, _, err = target.Known(args[0]); err != nil {
			return err
		}
		if err = use(t.Socket()); !errors.Is(err, proxy.ErrDead) || try == reachTries {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
