package source

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// held holds an image's manifest and configuration to their digests, which a
// layout's reader does not do.
func held(image v1.Image, digest v1.Hash) error {
	got, err := image.Digest()
	if err != nil {
		return err
	}
	if got != digest {
		return broken("the manifest", got, digest)
	}
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}
	config, err := image.ConfigName()
	if err != nil {
		return err
	}
	if config != manifest.Config.Digest {
		return broken("the configuration", config, manifest.Config.Digest)
	}
	return nil
}

func broken(what string, got, want v1.Hash) error {
	return fmt.Errorf("the image is broken: %s has the checksum %s, not %s", what, got, want)
}

// heldDocker does so with an archive of docker save, where the configuration is
// called after its digest, and holds those of the layers.
func heldDocker(file string, image v1.Image) error {
	manifest, err := tarball.LoadManifest(func() (io.ReadCloser, error) { return os.Open(file) })
	if err != nil {
		return err
	}
	config, err := image.ConfigName()
	if err != nil {
		return err
	}
	if name := strings.TrimPrefix(strings.TrimSuffix(path.Base(manifest[0].Config), ".json"), "sha256:"); len(name) == 2*sha256.Size && name != config.Hex {
		return broken("the configuration", config, v1.Hash{Algorithm: "sha256", Hex: name})
	}
	said, err := image.ConfigFile()
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	if len(layers) != len(said.RootFS.DiffIDs) {
		return fmt.Errorf("the image is broken: it has %d layers, and its configuration knows %d", len(layers), len(said.RootFS.DiffIDs))
	}
	for i, l := range layers {
		got, err := uncompressed(l)
		if err != nil {
			return err
		}
		if got != said.RootFS.DiffIDs[i] {
			return broken(fmt.Sprintf("layer %d", i+1), got, said.RootFS.DiffIDs[i])
		}
	}
	return nil
}

// uncompressed is the checksum of what is in a layer.
func uncompressed(l v1.Layer) (v1.Hash, error) {
	content, err := l.Uncompressed()
	if err != nil {
		return v1.Hash{}, err
	}
	defer content.Close()
	sum := sha256.New()
	if _, err := io.Copy(sum, content); err != nil {
		return v1.Hash{}, fmt.Errorf("the image is broken: %w", err)
	}
	return v1.Hash{Algorithm: "sha256", Hex: hex.EncodeToString(sum.Sum(nil))}, nil
}
