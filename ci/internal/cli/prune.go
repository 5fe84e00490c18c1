package cli

import (
	"errors"
	"fmt"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/spf13/cobra"

	"perch/ci/internal/registry"
)

func pruneCommand() *cobra.Command {
	var keep int
	var dryRun bool
	c := &cobra.Command{
		Use:   "prune REPOSITORY",
		Short: "Remove old images from a registry",
		Long: `Remove from a repository of a registry, such as registry.example.org/perch/debian12,
all images that push --dated has sent but the newest, together with their
signatures. An image that has another tag too, such as latest, stays. What is
removed is printed, a line for each image. Not every registry allows it: ghcr.io
and Docker Hub have ways of their own.`,
		Args: oneArg("the repository"),
		RunE: func(c *cobra.Command, args []string) error {
			if keep < 1 {
				return usageError{errors.New("--keep is wanted, how many images stay: 1 or more")}
			}
			repository, err := name.NewRepository(args[0], name.StrictValidation)
			if err != nil {
				return usageError{err}
			}
			return registry.Prune(c.Context(), repository, keep, dryRun, func(o registry.Old) {
				fmt.Fprintln(c.OutOrStdout(), o)
			})
		},
	}
	f := c.Flags()
	f.IntVar(&keep, "keep", 0, "how many images stay")
	f.BoolVar(&dryRun, "dry-run", false, "remove nothing")
	return c
}
