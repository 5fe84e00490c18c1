package build

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"perch/ci/internal/entrylayer"
	"perch/ci/internal/fitness"
	"perch/ci/internal/ociarchive"
	"perch/ci/internal/packages"
	"perch/ci/internal/source"
)

// built is an image as the program keeps it, which lacks the entrypoint, and what
// is to be said of it.
type built struct {
	image   string
	created time.Time
	about   map[string]string
}

// id stands for all that the finished image is made of.
func (b built) id(entrypoint string) (string, error) {
	sum := sha256.New()
	if err := json.NewEncoder(sum).Encode([]any{b.image, b.created, b.about}); err != nil {
		return "", err
	}
	program, err := os.Open(entrypoint)
	if err != nil {
		return "", err
	}
	defer program.Close()
	if _, err := io.Copy(sum, program); err != nil {
		return "", err
	}
	return fmt.Sprintf("sha256:%x", sum.Sum(nil)), nil
}

// saved returns the path of an image as the program saves it, which is kept: with
// it, a new entrypoint makes a new archive in seconds.
func (b *builder) saved(ctx context.Context, image built) (string, error) {
	dir := filepath.Join(b.Cache, "layout-"+b.Name)
	kept := filepath.Join(dir, image.image)
	if _, err := os.Stat(kept); err == nil && !b.Fresh {
		return kept, nil
	}
	if err := os.RemoveAll(dir); err != nil {
		return "", err
	}
	part := filepath.Join(dir, "part")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	if err := b.program.Save(ctx, image.image, part); err != nil {
		return "", err
	}
	return kept, os.Rename(part, kept)
}

// archive adds the entrypoint to an image and writes what comes out into a new
// file.
func (b *builder) archive(ctx context.Context, file string, image built) error {
	saved, err := b.saved(ctx, image)
	if err != nil {
		return err
	}
	bare, err := source.Open(ctx, saved)
	if err != nil {
		return err
	}
	defer bare.Close()
	config, err := bare.ConfigFile()
	if err != nil {
		return err
	}
	if err := fitness.Platform(config); err != nil {
		return err
	}
	whole, err := entrylayer.Add(bare, b.Entrypoint, image.created, image.about)
	if err != nil {
		return err
	}
	return ociarchive.WriteFile(file, whole, b.Name)
}

// tree unpacks an image, with the entrypoint, into a new directory.
func (b *builder) tree(ctx context.Context, dir string, image built) error {
	if err := b.program.Unpack(ctx, image.image, dir); err != nil {
		return err
	}
	return entrylayer.Put(dir, b.Entrypoint)
}

// describe writes the list of the packages of the image in archive, as it is and
// as an SPDX document.
func (b *builder) describe(ctx context.Context, archive string, image built, list, sbom string) error {
	whole, err := source.Open(ctx, archive)
	if err != nil {
		return err
	}
	defer whole.Close()
	text, doc, err := packages.Describe(whole, b.Name, image.created)
	if err != nil {
		return err
	}
	return errors.Join(os.WriteFile(list, text, 0o644), os.WriteFile(sbom, doc, 0o644))
}
