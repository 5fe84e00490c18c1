package ociarchive

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/partial"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// refName is the annotation by which an image in a layout has its name
// (image-spec, annotations.md).
const refName = "org.opencontainers.image.ref.name"

// copyBuffer is how much of a layer is read at once, in bytes.
const copyBuffer = 1 << 20

// WriteFile writes an archive, as Write does, into a new file, which is on the
// disk when it returns.
func WriteFile(file string, image v1.Image, name string) error {
	w, err := os.OpenFile(file, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	if err := Write(w, image, name); err != nil {
		w.Close()
		return err
	}
	return errors.Join(w.Sync(), w.Close())
}

// Write writes an archive with one image, called name in it. The same image
// always makes the same bytes. Layers are copied as they are, and held to their
// digests: not all that read images do that.
func Write(w io.Writer, image v1.Image, name string) error {
	archive := tar.NewWriter(w)
	// Apptainer makes no directories that are not listed.
	for _, dir := range []string{"blobs/", "blobs/sha256/"} {
		if err := archive.WriteHeader(&tar.Header{Name: dir, Mode: 0o755, Typeflag: tar.TypeDir, Format: tar.FormatPAX}); err != nil {
			return err
		}
	}
	if err := add(archive, layoutFile, []byte(layoutContent)); err != nil {
		return err
	}
	manifest, err := addManifest(archive, image, name)
	if err != nil {
		return err
	}
	config, err := image.RawConfigFile()
	if err != nil {
		return err
	}
	if err := add(archive, blobName(manifest.Config.Digest), config); err != nil {
		return err
	}
	written := map[v1.Hash]bool{}
	for _, l := range manifest.Layers {
		if written[l.Digest] {
			continue
		}
		written[l.Digest] = true
		if err := addLayer(archive, image, l); err != nil {
			return fmt.Errorf("copying the layer %s: %w", l.Digest, err)
		}
	}
	return archive.Close()
}

// addManifest adds an image's manifest, and an index of this one.
func addManifest(archive *tar.Writer, image v1.Image, name string) (*v1.Manifest, error) {
	descriptor, err := partial.Descriptor(image)
	if err != nil {
		return nil, err
	}
	descriptor.Annotations = map[string]string{refName: name}
	index, err := json.Marshal(v1.IndexManifest{SchemaVersion: 2, MediaType: types.OCIImageIndex, Manifests: []v1.Descriptor{*descriptor}})
	if err != nil {
		return nil, err
	}
	raw, err := image.RawManifest()
	if err != nil {
		return nil, err
	}
	if err := add(archive, indexFile, index); err != nil {
		return nil, err
	}
	if err := add(archive, blobName(descriptor.Digest), raw); err != nil {
		return nil, err
	}
	return v1.ParseManifest(bytes.NewReader(raw))
}

func addLayer(archive *tar.Writer, image v1.Image, d v1.Descriptor) error {
	l, err := image.LayerByDigest(d.Digest)
	if err != nil {
		return err
	}
	content, err := l.Compressed()
	if err != nil {
		return err
	}
	defer content.Close()
	if err := header(archive, blobName(d.Digest), d.Size); err != nil {
		return err
	}
	// Only Read and Write: else io.CopyBuffer takes a buffer of its own.
	_, err = io.CopyBuffer(struct{ io.Writer }{archive}, struct{ io.Reader }{verify(content, d.Digest)}, make([]byte, copyBuffer))
	return err
}

func add(archive *tar.Writer, name string, content []byte) error {
	if err := header(archive, name, int64(len(content))); err != nil {
		return err
	}
	_, err := archive.Write(content)
	return err
}

func header(archive *tar.Writer, name string, size int64) error {
	return archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: size, Format: tar.FormatPAX})
}
