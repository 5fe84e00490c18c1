// Package bake makes a Perch environment of any image that a site has: it adds
// the entrypoint and says what the image is. Nothing of it is run or unpacked,
// and nobody need be root.
package bake

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"perch/ci/internal/entrylayer"
	"perch/ci/internal/fitness"
	"perch/ci/internal/ociarchive"
	"perch/ci/internal/source"
	"perch/ci/internal/steps"
)

// Request is what to make of what.
type Request struct {
	// Base is the image: an OCI archive or layout, an archive of docker save,
	// what a registry has, or a SIF or an unpacked image of Apptainer's.
	Base string
	// Out is the OCI archive that is made; of Apptainer's images a SIF, if it
	// ends in .sif, or an unpacked one.
	Out string
	// Entrypoint is the static perch-entrypoint that goes into the image.
	Entrypoint string
	// Steps tells the user what goes on.
	Steps *steps.Steps
}

// errNoShell: nobody could do anything in such an image.
var errNoShell = errors.New("there is no shell, without which no session can start; install bash in it, or take another image")

// Run bakes an image, and returns what was found in its base. What it lacks, but
// for a shell, is for people to judge, and no error. Out is whole or, after an
// error, as it was before.
func Run(ctx context.Context, r Request) (fitness.Report, error) {
	if err := entrylayer.Need(r.Entrypoint); err != nil {
		return fitness.Report{}, err
	}
	defer r.Steps.End()
	if isApptainers(r.Base) {
		return r.sandbox(ctx)
	}
	if strings.HasSuffix(r.Out, ".sif") {
		return fitness.Report{}, fmt.Errorf("of %s an OCI archive is made, and no SIF; name a .tar file, of which apptainer build makes one", r.Base)
	}
	base, err := source.Open(ctx, r.Base)
	if err != nil {
		return fitness.Report{}, err
	}
	defer base.Close()
	// Both read all of the base: side by side it takes the time of one. What is
	// written is held to its digests.
	base.Image = base.Raw
	examined := make(chan struct{})
	var found fitness.Report
	var unfit error
	go func() {
		defer close(examined)
		found, unfit = fitness.Examine(base)
	}()
	out, err := r.write(ctx, base)
	<-examined
	if out != nil {
		defer out.Cleanup()
	}
	switch {
	case unfit != nil:
		return found, fmt.Errorf("looking into %s: %w", r.Base, unfit)
	case !found.Shell && err == nil:
		return found, fmt.Errorf("looking into %s: %w", r.Base, errNoShell)
	case err != nil:
		return found, explain(err, r.Out)
	case ctx.Err() != nil:
		return found, context.Cause(ctx)
	}
	r.Steps.End()
	if err := out.CloseAtomicallyReplace(); err != nil {
		return found, explain(err, r.Out)
	}
	return found, nil
}

// write writes the image beside its place.
func (r Request) write(ctx context.Context, base source.Image) (*renameio.PendingFile, error) {
	image, err := r.image(base)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(r.Out), 0o755); err != nil {
		return nil, err
	}
	out, err := renameio.NewPendingFile(r.Out, renameio.WithPermissions(0o644))
	if err != nil {
		return nil, err
	}
	r.Steps.Begin(out.Name(), "writing %s", r.Out)
	name := strings.TrimSuffix(filepath.Base(r.Out), ".tar")
	if err := ociarchive.Write(&until{ctx, out}, image, name); err != nil {
		return out, err
	}
	// Onto the disk while the base may still be looked into.
	return out, out.Sync()
}

// until is a writer that fails when ctx has ended.
type until struct {
	ctx context.Context
	io.Writer
}

func (u *until) Write(p []byte) (int, error) {
	if u.ctx.Err() != nil {
		return 0, context.Cause(u.ctx)
	}
	return u.Writer.Write(p)
}

// image is the base with the entrypoint.
func (r Request) image(base source.Image) (source.Image, error) {
	digest, err := base.Digest()
	if err != nil {
		return base, err
	}
	config, err := base.ConfigFile()
	if err != nil {
		return base, err
	}
	// The base's own time: baking it twice makes the same image.
	created := config.Created.Time
	base.Image, err = entrylayer.Add(base.Image, r.Entrypoint, created, map[string]string{
		entrylayer.Created:    created.UTC().Format(time.RFC3339),
		entrylayer.Source:     "", // those that the base has are of its own files
		entrylayer.Revision:   "",
		entrylayer.BaseName:   base.Name,
		entrylayer.BaseDigest: digest.String(),
	})
	return base, err
}

// explain says what to do about a full disk.
func explain(err error, out string) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("writing %s: %w; make room where it is", out, err)
	}
	return fmt.Errorf("writing %s: %w", out, err)
}
