package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"golang.org/x/term"

	"perch/tests/pool"
)

const usage = `usage: pool COMMAND
  build [23|25]...          makes what "start" needs; the first time takes minutes
  start POOL [FILE]         boots a pool; FILE is HTCondor configuration to add
  exec POOL USER ARGV...    runs a program in it as root, alice or bob
  image POOL NAME SOURCE    makes an Apptainer sandbox and a SIF of an oci-archive or a root tree
  stop POOL                 ends it and forgets what was done in it
  status                    lists the pools
POOL is 23 or 25, for HTCondor's version, or for more of them 25-WORD.
In the pool, /host and /images are the directories that "start" prints.
`

// streams are the standard ones.
type streams struct {
	in       io.Reader
	out, err io.Writer
}

// Run carries out one command and returns the exit status: 64 for a command line
// that is not understood, for "exec" that of the program, else 1 for an error.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	s := streams{stdin, stdout, stderr}
	err := dispatch(ctx, args, s)
	if status, ended := errors.AsType[exitStatus](err); ended {
		return int(status)
	}
	switch {
	case err == nil:
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprint(stderr, usage)
		return 64
	}
	fmt.Fprintln(stderr, "pool:", err)
	return 1
}

var errUsage = errors.New("usage")

// exitStatus is that of a program in the pool, if it is not 0.
type exitStatus int

func (s exitStatus) Error() string { return fmt.Sprintf("exit status %d", int(s)) }

func dispatch(ctx context.Context, args []string, s streams) error {
	commands := map[string]struct {
		run      func(context.Context, []string, streams) error
		min, max int
	}{
		"build":  {build, 0, len(pool.Versions)},
		"start":  {start, 1, 2},
		"exec":   {execute, 3, 1 << 20},
		"image":  {image, 3, 3},
		"stop":   {stop, 1, 1},
		"status": {status, 0, 0},
	}
	if len(args) == 0 {
		return errUsage
	}
	c, known := commands[args[0]]
	if n := len(args) - 1; !known || n < c.min || n > c.max {
		return errUsage
	}
	return c.run(ctx, args[1:], s)
}

func build(ctx context.Context, args []string, s streams) error {
	versions := pool.Versions
	if len(args) > 0 {
		versions = nil
	}
	for _, arg := range args {
		versions = append(slices.Clip(versions), pool.Version(arg))
	}
	if err := pool.Install(ctx, pool.Needs...); err != nil {
		return err
	}
	for _, v := range versions {
		began := time.Now()
		root, err := pool.Build(ctx, v)
		if err != nil {
			return err
		}
		fmt.Fprintf(s.out, "%s (%v)\n", root, time.Since(began).Round(time.Second))
	}
	return nil
}

func start(ctx context.Context, args []string, s streams) error {
	name := args[0]
	version, _, _ := strings.Cut(name, "-")
	if err := build(ctx, []string{version}, s); err != nil {
		return err
	}
	var extra []byte
	if len(args) > 1 {
		var err error
		if extra, err = os.ReadFile(args[1]); err != nil {
			return err
		}
	}
	began := time.Now()
	p, err := pool.Boot(ctx, pool.Version(version), name, pool.Config{Extra: string(extra)})
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(s.out, "up in %v\n/host is   %s\n/images is %s\n", time.Since(began).Round(time.Second/10), p.Dir(), p.Images())
	return err
}

func execute(ctx context.Context, args []string, s streams) error {
	p, err := pool.Open(args[0])
	if err != nil {
		return err
	}
	cmd := p.Command(ctx, args[1], args[2:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = s.in, s.out, s.err
	if f, ok := s.in.(*os.File); ok && term.IsTerminal(int(f.Fd())) {
		cmd = p.Terminal(ctx, args[1], args[2:]...)
	}
	err = cmd.Run()
	if ended, ok := errors.AsType[*exec.ExitError](err); ok {
		return exitStatus(ended.ExitCode())
	}
	return err
}

func image(ctx context.Context, args []string, s streams) error {
	p, err := pool.Open(args[0])
	if err != nil {
		return err
	}
	for _, format := range []pool.Format{pool.Sandbox, pool.SIF} {
		path, err := p.BuildImage(ctx, format, args[1], args[2])
		if err != nil {
			return err
		}
		fmt.Fprintln(s.out, path)
	}
	return nil
}

func stop(_ context.Context, args []string, _ streams) error {
	p, err := pool.Open(args[0])
	if err != nil {
		return err
	}
	return p.Stop()
}

func status(_ context.Context, _ []string, s streams) error {
	all, err := pool.List()
	for _, p := range all {
		state := "down"
		if p.Up() {
			state = "up"
		}
		fmt.Fprintf(s.out, "%-16s %-5s /host is %s\n", p.Name(), state, p.Dir())
	}
	return err
}
