package docs

import (
	"strings"
	"testing"

	"perch/tests/pipelines"
)

// TestPipelines wants every command, flag and target in the pipelines to be one
// that there is.
func TestPipelines(t *testing.T) {
	all, err := pipelines.Read(root)
	if err != nil {
		t.Fatal(err)
	}
	h, makefile, seen := build(t), read(t, "Makefile").text, map[string]bool{}
	for _, p := range all {
		for _, line := range p.Commands {
			h.check(t, page{path: p.File}, line, seen)
			targets, isMake := strings.CutPrefix(line, "make ")
			for target := range strings.FieldsSeq(targets) {
				if isMake && !strings.Contains(makefile, "\n"+target+":") {
					t.Errorf("%s: make has no target %q", p.File, target)
				}
			}
		}
	}
	for _, wanted := range []string{"build", "smoke", "diff", "push", "prune", "catalog"} {
		if !seen["perch-ci "+wanted] {
			t.Errorf("no pipeline calls perch-ci %s", wanted)
		}
	}
}
