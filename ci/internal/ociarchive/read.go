// Package ociarchive reads and writes OCI archives: tar files of an OCI image
// layout (image-spec, image-layout.md), as buildah, podman and skopeo call them.
// go-containerregistry knows layouts in directories, and Docker's archives.
package ociarchive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"slices"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

const (
	layoutFile    = "oci-layout"
	layoutContent = `{"imageLayoutVersion":"1.0.0"}`
	indexFile     = "index.json"
)

// smallest is what no manifest, configuration or index is larger than, in bytes.
const smallest = 16 << 20

// Archive is an open archive.
type Archive struct {
	file *os.File
	// unchecked says that layers are read without a look at their digests.
	unchecked bool
	// blobs are where the contents of the archive's files lie in it.
	blobs map[string]*io.SectionReader
}

// ErrNone says that a file is no OCI archive.
var ErrNone = errors.New("it is no OCI archive")

// Open opens the archive in a file. ErrNone is its error for any other file.
func Open(file string) (*Archive, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	a := &Archive{file: f, blobs: map[string]*io.SectionReader{}}
	if err := a.list(); err != nil {
		f.Close()
		return nil, err
	}
	return a, nil
}

// list finds the files in the archive. The contents are skipped, not read.
func (a *Archive) list() error {
	files := tar.NewReader(a.file)
	for {
		header, err := files.Next()
		switch {
		case errors.Is(err, io.EOF) && a.blobs[layoutFile] != nil:
			return nil
		case err != nil && len(a.blobs) == 0, errors.Is(err, io.EOF):
			return ErrNone
		case err != nil:
			return fmt.Errorf("the archive is broken: %w", err)
		case header.Typeflag != tar.TypeReg:
			continue
		}
		offset, err := a.file.Seek(0, io.SeekCurrent)
		if err != nil {
			return err
		}
		a.blobs[path.Clean(header.Name)] = io.NewSectionReader(a.file, offset, header.Size)
	}
}

// Close closes the file. Images of the archive cannot be read any more.
func (a *Archive) Close() error { return a.file.Close() }

// Image returns the archive's image; where it has several, that for this
// machine.
func (a *Archive) Image() (v1.Image, error) {
	index, err := a.index(indexFile)
	if err != nil {
		return nil, err
	}
	return a.choose(index, 1)
}

// Unchecked is the archive for whoever reads layers more than once, or has Write
// check them: those of its images are not held to their digests as they are
// read.
func (a *Archive) Unchecked() *Archive {
	return &Archive{file: a.file, unchecked: true, blobs: a.blobs}
}

// choose takes the image for this machine from an index, the nested-th in one
// another.
func (a *Archive) choose(index *v1.IndexManifest, nested int) (v1.Image, error) {
	if nested > MaxNested {
		return nil, ErrNested
	}
	d, err := Choose(index)
	if err != nil {
		return nil, err
	}
	if d.MediaType.IsIndex() {
		raw, err := a.small(d.Digest)
		if err != nil {
			return nil, err
		}
		inner, err := v1.ParseIndexManifest(bytes.NewReader(raw))
		if err != nil {
			return nil, fmt.Errorf("reading the archive's index %s: %w", d.Digest, err)
		}
		return a.choose(inner, nested+1)
	}
	return a.image(d)
}

func (a *Archive) image(d v1.Descriptor) (v1.Image, error) {
	raw, err := a.small(d.Digest)
	if err != nil {
		return nil, err
	}
	manifest, err := v1.ParseManifest(bytes.NewReader(raw))
	if err != nil {
		return nil, fmt.Errorf("reading the image's manifest: %w", err)
	}
	return partial.CompressedToImage(&core{archive: a, mediaType: d.MediaType, raw: raw, manifest: manifest})
}

func (a *Archive) index(name string) (*v1.IndexManifest, error) {
	content, err := a.open(name)
	if err != nil {
		return nil, err
	}
	index := new(v1.IndexManifest)
	if err := json.NewDecoder(io.LimitReader(content, smallest)).Decode(index); err != nil {
		return nil, fmt.Errorf("reading the archive's %s: %w", name, err)
	}
	return index, nil
}

func (a *Archive) open(name string) (*io.SectionReader, error) {
	blob := a.blobs[name]
	if blob == nil {
		return nil, fmt.Errorf("the archive lacks %s: %w", name, fs.ErrNotExist)
	}
	return io.NewSectionReader(blob, 0, blob.Size()), nil
}

// small reads a whole blob that is not a layer.
func (a *Archive) small(digest v1.Hash) ([]byte, error) {
	blob, err := a.open(blobName(digest))
	if err != nil {
		return nil, err
	}
	if blob.Size() > smallest {
		return nil, fmt.Errorf("%s has %d bytes, which no manifest has", digest, blob.Size())
	}
	return io.ReadAll(verify(blob, digest))
}

func blobName(digest v1.Hash) string { return path.Join("blobs", digest.Algorithm, digest.Hex) }

// core is an image of an archive, as partial wants it.
type core struct {
	archive   *Archive
	mediaType types.MediaType
	raw       []byte
	manifest  *v1.Manifest
}

func (c *core) RawManifest() ([]byte, error)        { return c.raw, nil }
func (c *core) MediaType() (types.MediaType, error) { return c.mediaType, nil }
func (c *core) RawConfigFile() ([]byte, error)      { return c.archive.small(c.manifest.Config.Digest) }
func (c *core) LayerByDigest(d v1.Hash) (partial.CompressedLayer, error) {
	for _, l := range slices.Concat(c.manifest.Layers, []v1.Descriptor{c.manifest.Config}) {
		if l.Digest == d {
			return &layer{archive: c.archive, descriptor: l}, nil
		}
	}
	return nil, fmt.Errorf("the image has no layer %s: %w", d, fs.ErrNotExist)
}

type layer struct {
	archive    *Archive
	descriptor v1.Descriptor
}

func (l *layer) Digest() (v1.Hash, error)            { return l.descriptor.Digest, nil }
func (l *layer) Size() (int64, error)                { return l.descriptor.Size, nil }
func (l *layer) MediaType() (types.MediaType, error) { return l.descriptor.MediaType, nil }
func (l *layer) Compressed() (io.ReadCloser, error) {
	blob, err := l.archive.open(blobName(l.descriptor.Digest))
	if err != nil {
		return nil, err
	}
	if l.archive.unchecked {
		return io.NopCloser(blob), nil
	}
	return io.NopCloser(verify(blob, l.descriptor.Digest)), nil
}
