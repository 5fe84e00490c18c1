// Package cosign has cosign sign images, with the key of a site or, in a CI, by
// the CI's own identity.
package cosign

import (
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"

	"github.com/google/go-containerregistry/pkg/name"

	"perch/ci/internal/tool"
)

// Signer is how to sign.
type Signer struct {
	// Program is a cosign to take rather than that on PATH, if it is there.
	Program string
	// Key is a file or what else cosign takes for a private key; "" signs by
	// the identity that the CI gives. Its password is read by cosign itself,
	// from COSIGN_PASSWORD.
	Key string
	// Config is a file that names the services which take part, or "" for
	// the public ones.
	Config string
	// Log gets what cosign says: outside of a CI it may ask the user to log in.
	Log io.Writer
}

// ErrNone says that there is no cosign.
var ErrNone = errors.New("cosign is not installed; make cosign puts it beside perch-ci")

// Need returns the path of cosign, or ErrNone.
func (s Signer) Need() (string, error) {
	if _, err := os.Stat(s.Program); err == nil {
		return s.Program, nil
	}
	path, err := exec.LookPath("cosign")
	if err != nil {
		return "", ErrNone
	}
	return path, nil
}

// Sign signs an image, and says under the same signature what is in it: sbom is
// an SPDX document, or nil. The image is named by its digest, since a tag may be
// another image by the time that it is signed.
func (s Signer) Sign(ctx context.Context, image name.Digest, sbom []byte) error {
	program, err := s.Need()
	if err != nil {
		return err
	}
	if _, err := tool.Run(ctx, s.Log, program, append(s.options("sign"), image.Name())...); err != nil || sbom == nil {
		return err
	}
	dir, err := os.MkdirTemp("", "perch-sbom-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "image.spdx.json")
	if err := os.WriteFile(file, sbom, 0o600); err != nil {
		return err
	}
	_, err = tool.Run(ctx, s.Log, program, append(s.options("attest"), "--type", "spdxjson", "--predicate", file, image.Name())...)
	return err
}

func (s Signer) options(command string) []string {
	options := []string{command, "--yes"}
	if s.Key != "" {
		options = append(options, "--key", s.Key)
	}
	if s.Config != "" {
		options = append(options, "--signing-config", s.Config)
	}
	return options
}
