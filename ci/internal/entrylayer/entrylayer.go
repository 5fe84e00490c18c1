// Package entrylayer adds the entrypoint to an image, as its last, small layer,
// and says in the image's labels and annotations what it is. Nothing of the
// image is run or unpacked.
package entrylayer

import (
	"archive/tar"
	"bytes"
	"debug/buildinfo"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"perch/entrypoint/contract"
)

// Program is where the entrypoint is in an image.
const Program = "/usr/local/bin/perch-entrypoint"

// Labels and annotations of Perch's own.
const (
	// Contract is the version of the contract that the entrypoint speaks.
	Contract = "perch.contract"
	// Version is Perch's own, as Go has noted it in the entrypoint: a tag, or
	// a pseudo-version of the commit.
	Version = "perch.version"
	// Environment is the name of the environment.
	Environment = "perch.environment"
)

// Annotations of the image-spec (annotations.md).
const (
	Title      = "org.opencontainers.image.title"
	Created    = "org.opencontainers.image.created"
	Source     = "org.opencontainers.image.source"
	Revision   = "org.opencontainers.image.revision"
	BaseName   = "org.opencontainers.image.base.name"
	BaseDigest = "org.opencontainers.image.base.digest"
)

// Need returns an error that says what to do unless program is a file.
func Need(program string) error {
	if info, err := os.Stat(program); err != nil || !info.Mode().IsRegular() {
		return fmt.Errorf("there is no perch-entrypoint at %s; build it (make build) or name one with --entrypoint", program)
	}
	return nil
}

// Add returns the image with the entrypoint in the file program, and with about
// as labels and, where image is of OCI's format, as annotations; values that are
// "" are left out. Versions are added to them. The time of the layer is created.
// The same arguments always give the same image.
func Add(image v1.Image, program string, created time.Time, about map[string]string) (v1.Image, error) {
	layer, err := newLayer(program)
	if err != nil {
		return nil, err
	}
	mediaType, err := image.MediaType()
	if err != nil {
		return nil, err
	}
	addendum := mutate.Addendum{
		Layer:     layer,
		MediaType: layerType(mediaType),
		History: v1.History{
			Created:   v1.Time{Time: created.UTC()},
			CreatedBy: "perch-ci: " + Program,
		},
	}
	if image, err = mutate.Append(image, addendum); err != nil {
		return nil, err
	}
	return label(image, mediaType, about, versionOf(program))
}

// versions are the labels that say what the entrypoint is.
func versions(version string) map[string]string {
	labels := map[string]string{Contract: strconv.Itoa(contract.Version)}
	if version != "" {
		labels[Version] = version
	}
	return labels
}

// versionOf is the version of Perch that the program was built of, or "".
func versionOf(program string) string {
	info, err := buildinfo.ReadFile(program)
	if err != nil || info.Main.Version == unknownVersion {
		return ""
	}
	return info.Main.Version
}

// unknownVersion is what Go notes where it is built without a repository.
const unknownVersion = "(devel)"

// layerType is what a gzipped layer is called in a manifest of the given type.
func layerType(manifest types.MediaType) types.MediaType {
	if manifest == types.DockerManifestSchema2 {
		return types.DockerLayer
	}
	return types.OCILayer
}

func label(image v1.Image, mediaType types.MediaType, about map[string]string, version string) (v1.Image, error) {
	file, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	file = file.DeepCopy()
	if file.Config.Labels == nil {
		file.Config.Labels = map[string]string{}
	}
	annotations := versions(version)
	for name, value := range about {
		if value != "" {
			annotations[name] = value
		}
	}
	for name, value := range about {
		// What the base says of itself is not true of this image.
		if value == "" {
			delete(file.Config.Labels, name)
		}
	}
	for name, value := range annotations {
		file.Config.Labels[name] = value
	}
	if image, err = mutate.ConfigFile(image, file); err != nil || mediaType == types.DockerManifestSchema2 {
		return image, err
	}
	return mutate.Annotations(image, annotations).(v1.Image), nil
}

// newLayer makes a layer of the entrypoint alone. Directories are not in it: an
// image's own stay as they are, and where there are none they are made by
// whoever unpacks the layer.
func newLayer(program string) (v1.Layer, error) {
	content, err := os.ReadFile(program)
	if err != nil {
		return nil, err
	}
	var file bytes.Buffer
	w := tar.NewWriter(&file)
	header := tar.Header{
		Name: strings.TrimPrefix(Program, "/"), Mode: 0o755, Size: int64(len(content)),
		ModTime: time.Unix(0, 0), Format: tar.FormatPAX,
	}
	if err := w.WriteHeader(&header); err != nil {
		return nil, err
	}
	if _, err := w.Write(content); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return tarball.LayerFromOpener(func() (io.ReadCloser, error) {
		return io.NopCloser(bytes.NewReader(file.Bytes())), nil
	}, tarball.WithCompressedCaching)
}
