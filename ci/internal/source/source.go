// Package source opens images in the forms in which sites have them: OCI
// archives and layouts, Docker's archives, and what a registry has.
package source

import (
	"archive/tar"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"perch/ci/internal/ociarchive"
	"perch/ci/internal/registry"
)

// Image is an open image.
type Image struct {
	v1.Image
	// Raw is the same image, of which layers may be read without being held
	// to their digests, for those who do that by themselves.
	Raw v1.Image
	// Name is what others may call it: a registry's reference, or "" of a
	// file.
	Name  string
	close func() error
}

// Close closes what the image is read from. It cannot be read any more then.
func (i Image) Close() error { return i.close() }

// Open opens an image: a file or directory of that name, else what a registry
// has by it. The error is one line and says what was tried.
func Open(ctx context.Context, reference string) (Image, error) {
	info, err := os.Stat(reference)
	switch {
	case err == nil && info.IsDir():
		return fromLayout(reference)
	case err == nil:
		return fromFile(reference)
	case !errors.Is(err, os.ErrNotExist) || isPath(reference):
		return Image{}, fmt.Errorf("looking for the image: %w", err)
	}
	return fromRegistry(ctx, reference)
}

// isPath says whether a reference can only be meant as a file's path.
func isPath(reference string) bool {
	return strings.HasPrefix(reference, "/") || strings.HasPrefix(reference, ".") || strings.HasPrefix(reference, "~")
}

func fromLayout(dir string) (Image, error) {
	if _, err := os.Stat(filepath.Join(dir, "index.json")); err != nil {
		return Image{}, fmt.Errorf("%s is no image: it is a directory, and no OCI layout", dir)
	}
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return Image{}, fmt.Errorf("reading the OCI layout %s: %w", dir, err)
	}
	image, err := choose(index, 1)
	if err != nil {
		return Image{}, fmt.Errorf("reading the OCI layout %s: %w", dir, err)
	}
	return Image{Image: image, Raw: image, close: func() error { return nil }}, nil
}

// choose takes the image for this machine from an index, the nested-th in one
// another.
func choose(index v1.ImageIndex, nested int) (v1.Image, error) {
	if nested > ociarchive.MaxNested {
		return nil, ociarchive.ErrNested
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	d, err := ociarchive.Choose(manifest)
	if err != nil {
		return nil, err
	}
	if d.MediaType.IsIndex() {
		inner, err := index.ImageIndex(d.Digest)
		if err != nil {
			return nil, err
		}
		return choose(inner, nested+1)
	}
	image, err := index.Image(d.Digest)
	if err != nil {
		return nil, err
	}
	return image, held(image, d.Digest)
}

func fromFile(file string) (Image, error) {
	archive, err := ociarchive.Open(file)
	if errors.Is(err, ociarchive.ErrNone) {
		return fromDocker(file)
	} else if err != nil {
		return Image{}, fmt.Errorf("reading %s: %w", file, err)
	}
	image, err := archive.Image()
	if err != nil {
		archive.Close()
		return Image{}, fmt.Errorf("reading %s: %w", file, err)
	}
	raw, err := archive.Unchecked().Image()
	if err != nil {
		archive.Close()
		return Image{}, fmt.Errorf("reading %s: %w", file, err)
	}
	return Image{Image: image, Raw: raw, close: archive.Close}, nil
}

func fromDocker(file string) (Image, error) {
	image, err := tarball.ImageFromPath(file, nil)
	if err != nil {
		return Image{}, fmt.Errorf("%s is no image: neither an OCI archive nor one of docker save (%w)", file, oneCause(err))
	}
	if err := heldDocker(file, image); err != nil {
		return Image{}, fmt.Errorf("reading %s: %w", file, err)
	}
	return Image{Image: image, Raw: image, close: func() error { return nil }}, nil
}

// oneCause puts a short reason in place of what a tar reader says of any other
// file.
func oneCause(err error) error {
	if errors.Is(err, tar.ErrHeader) || errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return errors.New("it is no tar file, or a broken one")
	}
	return err
}

func fromRegistry(ctx context.Context, reference string) (Image, error) {
	parsed, err := name.ParseReference(reference)
	if err != nil {
		return Image{}, fmt.Errorf("there is no file %s, and it is no image's name either: %w", reference, err)
	}
	image, err := remote.Image(parsed, append(registry.Options(ctx), remote.WithPlatform(ociarchive.Platform))...)
	if err != nil {
		return Image{}, fmt.Errorf("there is no file %s, and the registry does not give an image of that name: %w", reference, registry.Explain(reach(err), parsed.Context().RegistryStr()))
	}
	return Image{Image: image, Raw: image, Name: parsed.Name(), close: func() error { return nil }}, nil
}

// reach shortens what a network says to the part that matters.
func reach(err error) error {
	var network *net.OpError
	if errors.As(err, &network) {
		return network
	}
	return err
}
