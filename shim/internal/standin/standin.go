// Package standin is perch-ssh: it stands in for ssh where a client lets its
// ssh be named. For a target it makes sure that a carrier stands and becomes
// the stock ssh; for any other host it becomes the stock ssh at once. It never
// touches stdin, and writes nothing to stdout.
package standin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"syscall"
	"time"

	"perch/shim/internal/carrierssh"
	"perch/shim/internal/sshargs"
	"perch/shim/internal/stockssh"
	"perch/shim/internal/target"
	"perch/shim/say"
)

// failed is ssh's own exit status for what failed before the remote side ran.
const failed = 255

// Run is perch-ssh with the arguments args, the program's name left out. It
// returns an exit status, or does not return because this process has become
// ssh.
func Run(ctx context.Context, args []string) int {
	printer := say.ForUser(os.Stderr)
	s := &standIn{say: printer, started: time.Now()}
	switch err := s.run(ctx, args); {
	case err == nil:
		return 0
	case !errors.Is(err, errSaid):
		printer.Error(err)
	}
	return failed
}

type standIn struct {
	say     *say.Printer
	started time.Time
}

func (s *standIn) run(ctx context.Context, args []string) error {
	if len(args) > 0 {
		switch args[0] {
		case target.ProxyFlag:
			return s.proxy(ctx, args[1:])
		case connectFlag:
			return s.connect(ctx, args[1:])
		case CopyFlag:
			return s.copy(ctx, args[1:])
		case carrierssh.Flag:
			return carrierssh.Become(args[1:])
		case carrierssh.TakeFlag:
			return s.take(args[1:])
		}
	}
	ssh, err := stockssh.Find("")
	if err != nil {
		return err
	}
	line, err := sshargs.Parse(args)
	if err != nil {
		// ssh says its version or its usage in its own words.
		return become(append([]string{ssh}, args...))
	}
	path, ours := sshargs.Target(line.Destination)
	if !ours || line.Has('V') || line.Has('Q') {
		return become(append([]string{ssh}, args...))
	}
	if line.Has('O') {
		s.say.Line("-O speaks to a control master, and a job's connections have none: it is left out; perch stop ends the job")
	}
	if err := oneTarget(line); err != nil {
		return err
	}
	t, err := s.establish(ctx, path, line)
	if err != nil {
		return err
	}
	own, err := self()
	if err != nil {
		return err
	}
	argv, err := t.SSH(own).Argv(ssh, line)
	if err != nil {
		return err
	}
	return become(argv)
}

// establish makes sure that ssh, which comes next, gets into the job.
func (s *standIn) establish(ctx context.Context, path string, line sshargs.Line) (target.Target, error) {
	t, known, err := target.Known(path)
	if err != nil {
		return t, err
	}
	if line.Has('G') {
		if !known {
			err = s.perch(ctx, "prepare", path)
		}
	} else if known && t.Standing() {
		if job, changed := t.Changed(); changed {
			s.say.Line("%s", t.ChangedLine(job))
		}
		return t, nil
	} else {
		err = s.up(ctx, path, line)
	}
	if err != nil {
		return t, err
	}
	if t, known, err = target.Known(path); err == nil && !known {
		err = fmt.Errorf("perch left no trace of %s in its runtime folder; see that XDG_RUNTIME_DIR is the same in both", path)
	}
	return t, err
}

// up has perch find or submit the job and wait for it. With a ConnectTimeout
// it comes back a second before ssh's caller gives up.
func (s *standIn) up(ctx context.Context, path string, line sshargs.Line) error {
	args := []string{"up", "--quiet"}
	if limit, ok := line.ConnectTimeout(); ok {
		left := max(limit-time.Second-time.Since(s.started), 500*time.Millisecond)
		args = append(args, "--timeout", left.String())
	}
	return s.perch(ctx, append(args, path)...)
}

// oneTarget refuses a second target where ssh would take it for a command.
func oneTarget(line sshargs.Line) error {
	if len(line.Command) == 0 {
		return nil
	}
	if _, ours := sshargs.Target(line.Command[0]); !ours {
		return nil
	}
	return fmt.Errorf("two targets are named, %s and %s; connect to one at a time", line.Destination, line.Command[0])
}

func become(argv []string) error {
	if err := syscall.Exec(argv[0], argv, os.Environ()); err != nil {
		return fmt.Errorf("running %s: %w", strings.Join(argv[:1], " "), err)
	}
	return errors.New("exec returned")
}

func self() (string, error) {
	path, err := os.Executable()
	if err != nil {
		return "", fmt.Errorf("finding perch-ssh itself: %w", err)
	}
	return path, nil
}
