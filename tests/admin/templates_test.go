package admin

import (
	"os"
	"path/filepath"
	"testing"

	"perch/tests/pool"
)

// checkTemplates: condor_submit takes each template that users are given. What
// Perch adds, the executable, is added here.
func checkTemplates(t *testing.T, p *pool.Pool) {
	templates, err := filepath.Glob("../../jdl-templates/*.jdl")
	if err != nil || len(templates) < 40 {
		t.Fatalf("there are %d templates, %v", len(templates), err)
	}
	for _, template := range templates {
		text, err := os.ReadFile(template)
		if err != nil {
			t.Fatal(err)
		}
		got, err := p.ExecInput(t.Context(), string(text), "alice", "condor_submit", "-dry-run", "/dev/stdout", "-append", "executable = /bin/true", "-")
		if err != nil || got.Code != 0 {
			t.Errorf("condor_submit does not take %s: %v\n%s%s", filepath.Base(template), err, got.Stdout, got.Stderr)
		}
	}
}
