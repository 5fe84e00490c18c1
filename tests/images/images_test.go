// Package images builds the environments' images and tries them, with a real VS
// Code server, in every place: under runc, under Apptainer, and as real jobs.
package images

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"perch/tests/cache"
	"perch/tests/session"
	"perch/tests/vscode"
)

func TestMain(m *testing.M) { os.Exit(session.Main(m)) }

// image is an environment's image, and where its folder is.
type image struct{ name, images, archive, tree string }

// build builds environments from nothing or from the cache.
func build(t *testing.T, images string, names []string, options ...string) []image {
	t.Helper()
	out := cache.Dir("e2e")
	args := append(append([]string{"build", "--images", images, "-o", out}, options...), names...)
	if text, err := exec.Command(session.Program("perch-ci"), args...).CombinedOutput(); err != nil {
		t.Fatalf("perch-ci %q: %v\n%s", args, err, text)
	}
	var built []image
	for _, name := range names {
		built = append(built, image{name, images, filepath.Join(out, name+".tar"), filepath.Join(out, name)})
	}
	return built
}

const (
	own = "../../images"
	rpm = "../rpm/images"
)

// debian builds the repository's image that all other tests use, too.
func debian(t *testing.T) image {
	t.Helper()
	return build(t, own, []string{"debian12"}, "--base", "mmdebstrap")[0]
}

// every builds one environment of each kind; all that can be built without a
// registry where PERCH_TEST_IMAGES says "all".
func every(t *testing.T) []image {
	t.Helper()
	names := []string{"minimal"}
	if everything() {
		names = append(names, "debian11", "debian13")
	}
	images := append([]image{debian(t)}, build(t, own, names)...)
	return append(images, build(t, rpm, []string{"rpm-base", "rpm-standin"})[1])
}

// everything says whether all images that can be built here are tried.
func everything() bool { return os.Getenv("PERCH_TEST_IMAGES") == "all" }

// TestRunc: all that is promised holds in each image, but for what its smoke.yaml
// says.
func TestRunc(t *testing.T) {
	server := vscode.Get(t)
	for _, i := range every(t) {
		t.Run(i.name, func(t *testing.T) {
			t.Parallel()
			result := filepath.Join(t.TempDir(), "report.json")
			cmd := exec.Command(session.Program("perch-ci"), "smoke", "--images", i.images, "--ide-server", server.Archive, "--json", result, i.tree)
			out, err := cmd.CombinedOutput()
			if err != nil {
				t.Errorf("perch-ci smoke: %v", err)
			}
			t.Logf("\n%s", out)
			complete(t, result)
		})
	}
}

// complete: every check was made, and none was skipped.
func complete(t *testing.T, file string) {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var found []struct {
		Results []struct{ Check, Status, Detail string }
	}
	if err := json.Unmarshal(content, &found); err != nil || len(found) != 1 {
		t.Fatalf("%d reports, %v", len(found), err)
	}
	const checks = 28
	if len(found[0].Results) != checks {
		t.Errorf("%d checks, want %d", len(found[0].Results), checks)
	}
	for _, r := range found[0].Results {
		if r.Status == "skip" {
			t.Errorf("%s was skipped: %s", r.Check, r.Detail)
		}
	}
}
