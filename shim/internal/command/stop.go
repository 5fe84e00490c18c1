package command

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"
)

func (a *app) stop() *cobra.Command {
	var grace time.Duration
	c := &cobra.Command{
		Use:   "stop TARGET",
		Short: "End the target's job",
		Long: `Asks the job to end by itself, so that its output comes back. A job that cannot
be asked, or has not ended after --grace, is removed from the queue.`,
		Args: oneTarget,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.Runner(c.Context(), a.say)
			if err != nil {
				return err
			}
			return r.Stop(c.Context(), args[0], grace)
		},
	}
	c.Flags().DurationVar(&grace, "grace", 20*time.Second, "how long the job may take to end by itself")
	return c
}

func (a *app) logs() *cobra.Command {
	return &cobra.Command{
		Use:   "logs TARGET",
		Short: "Print the user log of the target's last job and what its carrier noted",
		Args:  oneTarget,
		RunE: func(c *cobra.Command, args []string) error {
			r, err := a.Runner(c.Context(), a.say)
			if err != nil {
				return err
			}
			files, err := r.Logs(args[0])
			if err != nil {
				return err
			}
			for _, f := range files {
				fmt.Fprintf(c.OutOrStdout(), "==> %s <==\n", f)
				if err := printFile(c.OutOrStdout(), f); err != nil {
					return err
				}
			}
			return nil
		},
	}
}
