package source

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/v1/tarball"

	"perch/ci/internal/imagetest"
)

// TestDamage: what is not what its digest says is found, also where the libraries
// do not look.
func TestDamage(t *testing.T) {
	image := imagetest.New(t, imagetest.Layer{"file": "content"})
	docker := filepath.Join(t.TempDir(), "docker.tar")
	if err := tarball.WriteToFile(docker, name.MustParseReference("x:1"), image); err != nil {
		t.Fatal(err)
	}
	damage(t, docker, `"os":"linux"`, `"os":"xinul"`)
	dir := filepath.Join(t.TempDir(), "layout")
	writeLayout(t, dir, image)
	config, err := image.ConfigName()
	if err != nil {
		t.Fatal(err)
	}
	damage(t, filepath.Join(dir, "blobs/sha256", config.Hex), `"os":"linux"`, `"os":"xinul"`)
	for file, what := range map[string]string{docker: "the configuration", dir: "the configuration"} {
		if _, err := Open(context.Background(), file); err == nil || !strings.Contains(err.Error(), "the image is broken: "+what) {
			t.Errorf("%s: %v", file, err)
		}
	}
}

// damage changes some bytes of a file.
func damage(t *testing.T, file, from, to string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(content, []byte(from)) {
		t.Fatalf("%s has no %q", file, from)
	}
	if err := os.WriteFile(file, bytes.Replace(content, []byte(from), []byte(to), 1), 0o644); err != nil {
		t.Fatal(err)
	}
}
