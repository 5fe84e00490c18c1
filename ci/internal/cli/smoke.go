package cli

import (
	"os"

	"github.com/spf13/cobra"

	"perch/ci/internal/smoke"
)

func smokeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "smoke IMAGE",
		Short: "Try an image the way a batch system uses it",
		Long: `Try an image, an unpacked directory or an OCI archive, the way a batch system
uses it: its perch-entrypoint runs under runc as a user without rights and
without a passwd entry, with a read-only root, a scratch directory as home and a
small /tmp. Sessions are opened in it with ssh and sftp. One row for each thing
that was tried is printed. Exit status: 0 all is well, 1 it is not.`,
		Args: oneArg("the image"),
		RunE: func(c *cobra.Command, args []string) error {
			self, err := os.Executable()
			if err != nil {
				return err
			}
			r := smoke.Request{Image: args[0], Cache: cacheDir("ci"), Self: self, Say: sayer(c)}
			return smoke.Run(c.Context(), r, c.OutOrStdout())
		},
	}
}

// connectCommand is for the ssh that smoke calls.
func connectCommand() *cobra.Command {
	return &cobra.Command{
		Use:    "connect SOCKET",
		Hidden: true,
		Args:   oneArg("the socket"),
		RunE: func(c *cobra.Command, args []string) error {
			return smoke.Connect(c.Context(), args[0], c.InOrStdin(), c.OutOrStdout())
		},
	}
}
