package admin

import (
	"os"
	"path/filepath"
	"testing"

	"perch/images"
	jdltemplates "perch/jdl-templates"
	"perch/tests/pool"
)

// checkTemplates: condor_submit takes each template that users are given, those
// of a site's catalogue among them. What Perch adds, the executable, is added
// here.
func checkTemplates(t *testing.T, p *pool.Pool) {
	files, err := filepath.Glob("../../jdl-templates/*.jdl")
	if err != nil || len(files) < 40 {
		t.Fatalf("there are %d templates, %v", len(files), err)
	}
	templates := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		templates[filepath.Base(file)] = string(text)
	}
	for _, e := range []images.Environment{
		{Name: "sif", Title: "A SIF", Image: "/shared/images/root.sif", Registry: "registry.example.org/root:6.36", ContainerOS: "Root"},
		{Name: "registry", Title: "In a registry alone", Registry: "registry.example.org/root:6.36", ContainerOS: "Root"},
	} {
		for _, k := range jdltemplates.Kinds {
			if templates[k.File(e)], err = k.Text(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range templates {
		got, err := p.ExecInput(t.Context(), text, "alice", "condor_submit", "-dry-run", "/dev/stdout", "-append", "executable = /bin/true", "-")
		if err != nil || got.Code != 0 {
			t.Errorf("condor_submit does not take %s: %v\n%s%s", name, err, got.Stdout, got.Stderr)
		}
	}
}
