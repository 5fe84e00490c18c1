package source

import (
	"context"
	"io"
	"log"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"perch/ci/internal/imagetest"
	"perch/ci/internal/ociarchive"
)

func TestOpen(t *testing.T) {
	dir := t.TempDir()
	image := imagetest.New(t, imagetest.Layer{"file": "content"})
	other := imagetest.New(t, imagetest.Layer{"file": "of another machine"})

	archive := filepath.Join(dir, "oci.tar")
	if err := ociarchive.WriteFile(archive, image, "x"); err != nil {
		t.Fatal(err)
	}
	docker := filepath.Join(dir, "docker.tar")
	if err := tarball.WriteToFile(docker, name.MustParseReference("x:1"), image); err != nil {
		t.Fatal(err)
	}
	one := filepath.Join(dir, "layout")
	writeLayout(t, one, image)
	many := filepath.Join(dir, "layout-of-many")
	index := mutate.AppendManifests(writeLayout(t, many), mutate.IndexAddendum{Add: other, Descriptor: v1.Descriptor{Platform: &v1.Platform{OS: "linux", Architecture: "s390x"}}},
		mutate.IndexAddendum{Add: image, Descriptor: v1.Descriptor{Platform: &ociarchive.Platform}})
	if _, err := layout.Write(many, index); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	defer server.Close()
	reference := strings.TrimPrefix(server.URL, "http://") + "/site/image:1"
	parsed, err := name.ParseReference(reference)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Write(parsed, image); err != nil {
		t.Fatal(err)
	}

	want, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	for _, from := range []string{archive, docker, one, many, reference} {
		got, err := Open(context.Background(), from)
		if err != nil {
			t.Errorf("%s: %v", from, err)
			continue
		}
		if layers, err := got.Layers(); err != nil || len(layers) != 1 {
			t.Errorf("%s: %d layers, %v", from, len(layers), err)
		}
		// docker save writes another manifest of the same configuration.
		if config, err := got.ConfigName(); err != nil || config != want {
			t.Errorf("%s: %s, %v; want %s", from, config, err, want)
		}
		if (got.Name != "") != (from == reference) {
			t.Errorf("%s is called %q", from, got.Name)
		}
		if err := got.Close(); err != nil {
			t.Error(err)
		}
	}
}

func writeLayout(t *testing.T, dir string, images ...v1.Image) v1.ImageIndex {
	t.Helper()
	var index v1.ImageIndex = empty.Index
	for _, i := range images {
		index = mutate.AppendManifests(index, mutate.IndexAddendum{Add: i})
	}
	if _, err := layout.Write(dir, index); err != nil {
		t.Fatal(err)
	}
	return index
}

func TestOpenOfWhatIsNoImage(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte(strings.Repeat("this is no image\n", 100)), 0o644); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	host := strings.TrimPrefix(server.URL, "http://")
	defer server.Close()
	gone := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	gone.Close()
	for from, want := range map[string]string{
		dir:                 "no OCI layout",
		"Not An Image":      "it is no image's name either",
		text:                "neither an OCI archive nor one of docker save",
		"/no/such/file.tar": "looking for the image: stat /no/such/file.tar: no such file or directory",
		host + "/x:1":       "the registry does not give an image of that name",
		strings.TrimPrefix(gone.URL, "http://") + "/x:1": "connection refused",
	} {
		_, err := Open(context.Background(), from)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: %v; want %q in one line", from, err, want)
		}
	}
}
