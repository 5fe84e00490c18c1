package cli

import (
	"context"
	"errors"
	"fmt"
	"path"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/spf13/cobra"

	"perch/ci/internal/cosign"
	"perch/ci/internal/entrylayer"
	"perch/ci/internal/packages"
	"perch/ci/internal/registry"
	"perch/ci/internal/source"
	"perch/ci/internal/steps"
)

func pushCommand() *cobra.Command {
	signer := cosign.Signer{Program: beside("cosign")}
	var dated, sign bool
	c := &cobra.Command{
		Use:   "push IMAGE REFERENCE",
		Short: "Send an image to a registry, and sign it",
		Long: `Send an image to a registry, under a reference such as
registry.example.org/perch/debian12:latest. Who may do so is taken from where
docker login, podman login and the registries' own helpers write it. The
reference with the image's digest is printed.

With --sign, cosign signs the digest, and attests the image's list of packages as
an SPDX document, before the image gets its tags. Without --key it signs by the
CI's own identity, which the public services of Sigstore note for everybody to
see. A key's password is what cosign reads: COSIGN_PASSWORD.`,
		Args: twoArgs("the image and the reference"),
		RunE: func(c *cobra.Command, args []string) error {
			reference, err := name.ParseReference(args[1], name.StrictValidation)
			if err != nil {
				return usageError{err}
			}
			if !sign && (signer.Key != "" || signer.Config != "") {
				return usageError{errors.New("--key and --signing-config go with --sign")}
			}
			if _, err := signer.Need(); sign && err != nil {
				return err
			}
			image, err := source.Open(c.Context(), args[0])
			if err != nil {
				return err
			}
			defer image.Close()
			upload := registry.Upload{Image: image, To: reference, Dated: dated, At: time.Now(), Sent: new(atomic.Int64)}
			signer.Log = c.ErrOrStderr()
			progress := steps.New(c.ErrOrStderr())
			progress.Count(upload.Sent.Load, "sending %s to %s", args[0], reference)
			if sign {
				upload.Sign = func(ctx context.Context, digest name.Digest) error {
					progress.End() // cosign writes lines of its own
					return signImage(ctx, sayer(c), signer, image, digest)
				}
			}
			digest, sent, err := registry.Push(c.Context(), upload)
			progress.End()
			if err != nil {
				return fmt.Errorf("sending %s: %w", args[0], err)
			}
			if !sent {
				sayer(c)("%s is that image already", reference)
			}
			fmt.Fprintln(c.OutOrStdout(), digest)
			return nil
		},
	}
	f := c.Flags()
	f.BoolVar(&dated, "dated", false, "add a tag with the time, by which prune knows how old an image is, unless REFERENCE is this image already")
	f.BoolVar(&sign, "sign", false, "have cosign sign the image, and attest what is in it")
	f.StringVar(&signer.Key, "key", "", "private key to sign with: a file, or what else cosign takes (default: the CI's identity)")
	f.StringVar(&signer.Config, "signing-config", "", "cosign's file that names the services which take part in signing (default: the public ones)")
	return c
}

// signImage signs an image, with an SBOM where it says what is in it.
func signImage(ctx context.Context, say func(string, ...any), signer cosign.Signer, image v1.Image, digest name.Digest) error {
	environment, created, err := about(image)
	if err != nil {
		return err
	}
	if environment == "" {
		environment = path.Base(digest.RepositoryStr())
	}
	_, sbom, err := packages.Describe(image, environment, created)
	if errors.Is(err, packages.ErrNone) {
		say("%v: what is in it is not attested", err)
	} else if err != nil {
		return err
	}
	say("signing %s", digest)
	return signer.Sign(ctx, digest, sbom)
}

// about returns what an image says of itself: its environment and its time.
func about(image v1.Image) (environment string, created time.Time, err error) {
	config, err := image.ConfigFile()
	if err != nil {
		return "", created, err
	}
	labels := config.Config.Labels
	if created, err = time.Parse(time.RFC3339, labels[entrylayer.Created]); err != nil {
		created = config.Created.Time
	}
	return labels[entrylayer.Environment], created, nil
}
