package images

import (
	"os/exec"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// entrypointHistory begins what is noted of the layer with the entrypoint.
const entrypointHistory = "perch-ci: "

// bare makes an OCI layout of the image in an archive without its last layer,
// which is the entrypoint: an image that knows nothing of Perch.
func bare(t *testing.T, archive string) string {
	t.Helper()
	image := withoutLast(t, only(t, unpacked(t, archive)))
	to := t.TempDir()
	path, err := layout.Write(to, empty.Index)
	if err != nil {
		t.Fatal(err)
	}
	if err := path.AppendImage(image); err != nil {
		t.Fatal(err)
	}
	return to
}

// unpacked is the layout in an OCI archive.
func unpacked(t *testing.T, archive string) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xf", archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("unpacking %s: %v: %s", archive, err, out)
	}
	return dir
}

// only is the image of a layout that has one.
func only(t *testing.T, dir string) v1.Image {
	t.Helper()
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := index.IndexManifest()
	if err != nil || len(manifest.Manifests) != 1 {
		t.Fatalf("%v: %d images, %v", dir, len(manifest.Manifests), err)
	}
	image, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// withoutLast is an image of an image's layers but for the last, unlabelled.
func withoutLast(t *testing.T, whole v1.Image) v1.Image {
	t.Helper()
	layers, err := whole.Layers()
	if err != nil {
		t.Fatal(err)
	}
	file, err := whole.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	last := len(layers) - 1
	if by := file.History[len(file.History)-1].CreatedBy; len(by) < len(entrypointHistory) || by[:len(entrypointHistory)] != entrypointHistory {
		t.Fatalf("the last layer is %q", by)
	}
	image := mutate.ConfigMediaType(mutate.MediaType(empty.Image, types.OCIManifestSchema1), types.OCIConfigJSON)
	start := file.DeepCopy()
	start.Config.Labels, start.History, start.RootFS.DiffIDs = nil, nil, nil
	if image, err = mutate.ConfigFile(image, start); err != nil {
		t.Fatal(err)
	}
	if image, err = mutate.AppendLayers(image, layers[:last]...); err != nil {
		t.Fatal(err)
	}
	return image
}
