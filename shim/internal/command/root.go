// Package command is the user's perch: one file per command, each of which
// parses, calls and prints.
package command

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"perch/entrypoint/contract"
	"perch/shim/internal/run"
	"perch/shim/say"
)

// Exit statuses of perch.
const (
	ok = 0
	// failed is ssh's own status for what failed before the remote side ran.
	failed = 255
	usage  = 64
)

// Options are what main gives to the commands.
type Options struct {
	Args   []string
	Stdin  io.Reader
	Stdout io.Writer
	Stderr *os.File
	// Runner makes what most commands need, when they need it.
	Runner func(context.Context, *say.Printer) (*run.Runner, error)
}

// Run runs one command line and returns the exit status.
func Run(ctx context.Context, o Options) int {
	speaker := say.ForUser(o.Stderr)
	a := &app{Options: o, say: speaker}
	root := a.root()
	root.SetArgs(o.Args)
	root.SetIn(o.Stdin)
	root.SetOut(o.Stdout)
	root.SetErr(o.Stderr)
	err := root.ExecuteContext(ctx)
	var wrong usageError
	switch {
	case err == nil:
		return ok
	case errors.As(err, &wrong):
		speaker.Error(err)
		return usage
	}
	speaker.Error(err)
	return failed
}

type app struct {
	Options
	say *say.Printer
}

// usageError is a command line that was not understood.
type usageError struct{ error }

func (a *app) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "perch",
		Short: "Sessions inside batch jobs, as if they were hosts",
		Long: `perch runs editing sessions inside batch jobs. A target is a submit description,
named JDL:path or path, or the name of a template. perch-ssh, which stands in for ssh, takes JDL:path as a
host name, and submits, waits and connects by itself.`,
		SilenceErrors: true,
		SilenceUsage:  true,
		Version:       fmt.Sprintf("contract %d", contract.Version),
		Args:          noCommand,
		RunE:          func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.CompletionOptions.HiddenDefaultCmd = true
	root.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	root.AddCommand(a.up(), a.status(), a.list(), a.stop(), a.logs(), a.hostKey(), a.template(), a.proxy(),
		a.prepare(), a.keep(), a.localStarter())
	return root
}

// noCommand refuses a word that is none of perch's commands.
func noCommand(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("there is no command %q; see %s --help", args[0], c.CommandPath())}
}

// noTarget is the argument check of commands that take none.
func noTarget(c *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usageError{fmt.Errorf("%s takes no target; see %s --help", c.CommandPath(), c.CommandPath())}
}

// oneTarget is the argument check of commands that take one target.
func oneTarget(c *cobra.Command, args []string) error {
	switch len(args) {
	case 1:
		return nil
	case 0:
		return usageError{fmt.Errorf("name a target: %s JDL:path/to/file.jdl", c.CommandPath())}
	}
	return usageError{fmt.Errorf("%d targets are named, %s takes one at a time", len(args), c.CommandPath())}
}
