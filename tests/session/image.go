package session

import (
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/adrg/xdg"
)

// Image returns the lines of a submit description that have the job run in the
// repository's own image, which is built or comes from the cache. It needs Main.
func Image(t testing.TB) []string {
	t.Helper()
	dir := filepath.Join(xdg.CacheHome, "perch", "e2e")
	cmd := exec.Command(Program("perch-ci"), "build", "debian12", "-o", dir, "--base", "mmdebstrap")
	_, here, _, _ := runtime.Caller(0)
	cmd.Dir = filepath.Join(filepath.Dir(here), "..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the image: %v\n%s", err, out)
	}
	return []string{"universe = container", "container_image = " + filepath.Join(dir, "debian12")}
}
