// Package images builds the environments' images and tries them, with a real VS
// Code server, in every place: under runc, under Apptainer, and as real jobs.
package images

import (
	"flag"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/cache"
	"perch/tests/session"
	"perch/tests/vscode"
)

var update = flag.Bool("update", false, "write docs/images.html and its picture anew")

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

// every are the builders of what is tried: one environment of each kind, or those
// that PERCH_TEST_IMAGES names.
func every() map[string]func(t *testing.T) image {
	names := []string{"minimal"}
	if wanted := os.Getenv("PERCH_TEST_IMAGES"); wanted != "" {
		names = strings.Fields(wanted)
	}
	all := map[string]func(t *testing.T) image{
		"rpm-standin": func(t *testing.T) image { return build(t, rpm, []string{"rpm-base", "rpm-standin"})[1] },
	}
	for _, name := range names {
		all[name] = func(t *testing.T) image { return build(t, own, []string{name})[0] }
	}
	all["debian12"] = debian
	return all
}

// TestPlaces: all that is promised holds in each image, but for what its
// smoke.yaml says, under runc, and that of debian12 in the other places too. With
// -update, what came out becomes the page in docs/.
func TestPlaces(t *testing.T) {
	t.Parallel()
	server, reports := vscode.Get(t), t.ArtifactDir()
	t.Run("runc", func(t *testing.T) {
		for name, of := range every() {
			t.Run(name, func(t *testing.T) {
				i := of(t)
				t.Parallel()
				inRunc(t, i, server.Archive, filepath.Join(reports, name+".runc.json"))
			})
		}
	})
	t.Run("pool", func(t *testing.T) { inPool(t, server.Archive, reports) })
	if *update {
		writePage(t, reports)
	}
}

func inRunc(t *testing.T, i image, server, file string) {
	out, err := exec.Command(session.Program("perch-ci"), "smoke", "--images", i.images, "--ide-server", server, "--json", file, i.tree).CombinedOutput()
	if err != nil {
		t.Errorf("perch-ci smoke: %v", err)
	}
	t.Logf("\n%s", out)
	complete(t, file, 28)
}

// complete: so many checks were made, and none was skipped.
func complete(t *testing.T, file string, checks int) {
	t.Helper()
	found := readReport(t, file)
	if len(found) != 1 || len(found[0].Results) != checks {
		t.Fatalf("%d reports, want one; of the checks in it %d are wanted:\n%v", len(found), checks, found)
	}
	for _, r := range found[0].Results {
		if r.Status == "skip" {
			t.Errorf("%s was skipped: %s", r.Check, r.Detail)
		}
	}
}
