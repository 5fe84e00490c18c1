package bake

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestReplaceable: nothing of the user's vanishes under an image.
func TestReplaceable(t *testing.T) {
	dir := t.TempDir()
	for _, d := range []string{"images", "image/.singularity.d", "image.sif"} {
		if err := os.MkdirAll(filepath.Join(dir, d), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	for _, f := range []string{"file", "old.sif"} {
		if err := os.WriteFile(filepath.Join(dir, f), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for out, want := range map[string]string{
		"new": "", "new.sif": "", "old.sif": "", "image": "",
		"images":    "is no unpacked image",
		"image.sif": "is no unpacked image",
		"file":      "is a file",
		"new.tar":   "no archive is made",
	} {
		err := replaceable(filepath.Join(dir, out))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", out, err, want)
		}
	}
}
