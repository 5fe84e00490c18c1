package images

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/session"
)

// TestBake: an image in which the entrypoint was put by bake holds what one
// holds that was built.
func TestBake(t *testing.T) {
	i := debian(t)
	baked := filepath.Join(t.TempDir(), "baked.tar")
	out, err := exec.Command(session.Program("perch-ci"), "bake", "--base", i.archive, "-o", baked).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Debian GNU/Linux 12 (bookworm), with glibc 2.36\n") || strings.Contains(string(out), "there is no") {
		t.Fatalf("perch-ci bake: %v\n%s", err, out)
	}
	if out, err := exec.Command(session.Program("perch-ci"), "smoke", "--images", i.images, "--environment", i.name, baked).CombinedOutput(); err != nil {
		t.Errorf("perch-ci smoke: %v\n%s", err, out)
	}
}
