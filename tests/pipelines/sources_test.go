package pipelines

import (
	"os/exec"
	"slices"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
)

// TestSources: a change of whatever perch-ci and the entrypoint are made of
// starts a build of the images.
func TestSources(t *testing.T) {
	cmd := exec.Command("go", "list", "-deps", "-f", `{{if .Module}}{{if .Module.Main}}{{.ImportPath}}/{{index .GoFiles 0}}{{end}}{{end}}`, "./ci", "./entrypoint")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	sources := strings.Fields(string(out))
	if len(sources) < 20 {
		t.Fatalf("found only %q", sources)
	}
	for _, p := range all(t) {
		for _, filter := range p.Filters {
			for _, source := range sources {
				file := strings.TrimPrefix(source, "perch/")
				if !slices.ContainsFunc(filter, func(f string) bool { return doublestar.MatchUnvalidated(f, file) }) {
					t.Errorf("%s: a change of %s starts nothing", p.File, file)
				}
			}
		}
	}
}
