package entrylayer

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"perch/ci/internal/imagetest"
)

// program is a Go program that was built of a repository at a tag.
func program(t *testing.T, tag string) string {
	t.Helper()
	dir := t.TempDir()
	for name, content := range map[string]string{"go.mod": "module program\n", "main.go": "package main\n\nfunc main() {}\n"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, command := range [][]string{
		{"git", "init", "--quiet"}, {"git", "add", "."},
		{"git", "-c", "user.name=a", "-c", "user.email=a@localhost", "commit", "--quiet", "--message", "Begin"}, {"git", "tag", tag},
		{"go", "build", "-buildvcs=true", "-o", filepath.Join(dir, ".git", "program"), "."},
	} {
		cmd := exec.Command(command[0], command[1:]...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "GOFLAGS=", "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%q: %v\n%s", command, err, out)
		}
	}
	return filepath.Join(dir, ".git", "program")
}

// TestVersions: an image says of which Perch its entrypoint is, where that is
// known.
func TestVersions(t *testing.T) {
	other := filepath.Join(t.TempDir(), "program")
	if err := os.WriteFile(other, []byte("no program of Go's"), 0o755); err != nil {
		t.Fatal(err)
	}
	for file, want := range map[string]string{program(t, "v1.2.3"): "v1.2.3", other: ""} {
		image, err := Add(imagetest.New(t, imagetest.Layer{"file": "content"}), file, time.Unix(0, 0), map[string]string{Title: "A title", Source: ""})
		if err != nil {
			t.Fatal(err)
		}
		config, err := image.ConfigFile()
		if err != nil {
			t.Fatal(err)
		}
		manifest, err := image.Manifest()
		if err != nil {
			t.Fatal(err)
		}
		expected := map[string]string{Contract: "1", Title: "A title"}
		if want != "" {
			expected[Version] = want
		}
		for _, got := range []map[string]string{config.Config.Labels, manifest.Annotations} {
			if !maps.Equal(got, expected) {
				t.Errorf("got %v, want %v", got, expected)
			}
		}
	}
}
