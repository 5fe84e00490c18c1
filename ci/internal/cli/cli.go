// Package cli is the command line of perch-ci.
//
// What the program says goes to stderr, each line behind "perch-ci: ", lower
// case, without a full stop. stdout has the results alone: the paths of what was
// built, the table of what was tried.
package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/adrg/xdg"
	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1
	// exitUsage is EX_USAGE of sysexits.h.
	exitUsage = 64
)

// usageError is a command line that was not understood.
type usageError struct{ error }

// Run runs perch-ci with args and returns its exit code.
func Run(ctx context.Context, args []string, stdin io.Reader, stdout, stderr io.Writer) int {
	root := &cobra.Command{
		Use:           "perch-ci",
		Short:         "Build the images of Perch's environments, and try them",
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          cobra.ArbitraryArgs,
		RunE: func(_ *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("there is no command %q", args[0])}
			}
			return usageError{errors.New("a command is missing")}
		},
	}
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return usageError{err} })
	root.AddCommand(buildCommand(), bakeCommand(), smokeCommand(), reportCommand(), diffCommand(), pushCommand(), pruneCommand(), catalogCommand(), connectCommand())
	root.SetArgs(args)
	root.SetIn(stdin)
	root.SetOut(stdout)
	root.SetErr(stderr)
	return exitCode(stderr, root.ExecuteContext(ctx))
}

// exitCode says what went wrong, and returns the code for it.
func exitCode(stderr io.Writer, err error) int {
	if err == nil {
		return exitOK
	}
	fmt.Fprintf(stderr, "perch-ci: %v\n", err)
	if errors.As(err, &usageError{}) {
		fmt.Fprintln(stderr, "perch-ci: see perch-ci --help")
		return exitUsage
	}
	return exitFailure
}

// twoArgs wants two arguments, called what.
func twoArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 2 {
			return usageError{fmt.Errorf("two arguments are wanted, %s, not %d", what, len(args))}
		}
		return nil
	}
}

// oneArg wants one argument, called what.
func oneArg(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return usageError{fmt.Errorf("one argument is wanted, %s, not %d", what, len(args))}
		}
		return nil
	}
}

// someArgs wants one argument or more, each what.
func someArgs(what string) cobra.PositionalArgs {
	return func(_ *cobra.Command, args []string) error {
		if len(args) == 0 {
			return usageError{fmt.Errorf("%s is missing", what)}
		}
		return nil
	}
}

func noArgs(_ *cobra.Command, args []string) error {
	if len(args) > 0 {
		return usageError{fmt.Errorf("no argument is wanted, not %q", args[0])}
	}
	return nil
}

// sayer returns a function that tells the user what goes on.
func sayer(c *cobra.Command) func(string, ...any) {
	return func(format string, args ...any) {
		fmt.Fprintf(c.ErrOrStderr(), "perch-ci: "+format+"\n", args...)
	}
}

// beside returns the path of something that lies relative to this program.
func beside(path string) string {
	self, err := os.Executable()
	if err != nil {
		return filepath.Base(path)
	}
	return filepath.Join(filepath.Dir(self), path)
}

// cacheDir is where Perch keeps what can be made again.
func cacheDir(name string) string { return filepath.Join(xdg.CacheHome, "perch", name) }
