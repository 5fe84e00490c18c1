package command

import (
	"context"
	"time"

	"github.com/spf13/cobra"

	"perch/shim/internal/wait"
)

func (a *app) up() *cobra.Command {
	var timeout time.Duration
	var quiet bool
	c := &cobra.Command{
		Use:   "up TARGET",
		Short: "Find or submit the target's job and wait until it can be entered",
		Args:  oneTarget,
		RunE: func(c *cobra.Command, args []string) error {
			ctx := c.Context()
			if timeout > 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeoutCause(ctx, timeout, wait.ErrStillQueued)
				defer cancel()
			}
			r, err := a.Runner(ctx, a.say)
			if err != nil {
				return err
			}
			t, job, err := r.Up(ctx, args[0])
			if err != nil {
				return err
			}
			if quiet {
				return nil
			}
			a.say.Line("job %s (%s) can be entered", job.ID, t.Name)
			return nil
		},
	}
	c.Flags().BoolVar(&quiet, "quiet", false, "say nothing when the job can be entered")
	c.Flags().DurationVar(&timeout, "timeout", 0, "give up after so long and leave the job in the queue (0: never)")
	return c
}

func (a *app) prepare() *cobra.Command {
	return &cobra.Command{
		Use:    "prepare TARGET",
		Short:  "Make the target's folders, keys and ssh_config",
		Hidden: true,
		Args:   oneTarget,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.Runner(c.Context(), a.say)
			if err != nil {
				return err
			}
			_, err = r.Prepare(c.Context(), args[0])
			return err
		},
	}
}

func (a *app) hostKey() *cobra.Command {
	return &cobra.Command{
		Use:   "hostkey TARGET",
		Short: "Print the target's line for a known_hosts file",
		Args:  oneTarget,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.Runner(c.Context(), a.say)
			if err != nil {
				return err
			}
			t, err := r.Prepare(c.Context(), args[0])
			if err != nil {
				return err
			}
			return printFile(c.OutOrStdout(), t.KnownHostsPath())
		},
	}
}
