package cli

import (
	"fmt"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/spf13/cobra"

	"perch/ci/internal/source"
)

func pushCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "push IMAGE REFERENCE",
		Short: "Send an image to a registry",
		Long: `Send an image to a registry, under a reference such as
registry.example.org/perch/debian12:2026-11. Who may do so is taken from where
docker login, podman login and the registries' own helpers write it. The
reference with the image's digest is printed.`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 2 {
				return usageError{fmt.Errorf("two arguments are wanted, the image and the reference, not %d", len(args))}
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			reference, err := name.ParseReference(args[1], name.StrictValidation)
			if err != nil {
				return usageError{err}
			}
			image, err := source.Open(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer image.Close()
			digest, err := image.Digest()
			if err != nil {
				return err
			}
			sayer(c)("sending %s to %s", args[0], reference)
			if err := remote.Write(reference, image, remote.WithContext(c.Context()), remote.WithAuthFromKeychain(authn.DefaultKeychain)); err != nil {
				return fmt.Errorf("sending %s: %w", args[0], err)
			}
			fmt.Fprintln(c.OutOrStdout(), reference.Context().Digest(digest.String()))
			return nil
		},
	}
}
