package command

import (
	"fmt"
	"log"
	"syscall"

	"github.com/spf13/cobra"

	"perch/shim/internal/engine"
	"perch/shim/internal/engine/local"
	"perch/shim/internal/keep"
)

// keep is what run starts beside a running job.
func (a *app) keep() *cobra.Command {
	return &cobra.Command{
		Use:    "keep JDL JOB",
		Short:  "Hold the carrier of a running job",
		Hidden: true,
		Args:   cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.Runner(c.Context(), a.say)
			if err != nil {
				return err
			}
			t, err := r.Target(args[0])
			if err != nil {
				return err
			}
			j := t.Note().Job
			if j.ID != args[1] {
				return fmt.Errorf("job %s is not the one that is noted (%s); perch up finds out", args[1], j.ID)
			}
			logger := log.New(a.Stderr, fmt.Sprintf("keep[%d] ", syscall.Getpid()), log.LstdFlags|log.Lmsgprefix)
			return keep.New(r.Engine, t, engine.Job(j), logger).Run(c.Context())
		},
	}
}

// localStarter is what the local engine starts for each job.
func (a *app) localStarter() *cobra.Command {
	return &cobra.Command{
		Use:    "local-starter DIRECTORY",
		Short:  "Run a job of the local engine",
		Hidden: true,
		Args:   cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			return local.Starter(c.Context(), args[0])
		},
	}
}

// proxy is run by perch-ssh, which starts faster; main sees to it before any
// command is parsed. Here it is for the list of commands alone.
func (a *app) proxy() *cobra.Command {
	return &cobra.Command{
		Use:   "proxy TARGET",
		Short: "Connect stdin and stdout to the target's job, as an ssh ProxyCommand",
		Args:  oneTarget,
		RunE: func(*cobra.Command, []string) error {
			return usageError{fmt.Errorf("proxy takes no options: perch proxy JDL:path/to/file.jdl")}
		},
	}
}
