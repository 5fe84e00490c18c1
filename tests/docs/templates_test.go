package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestTemplates submits each kind of submit description that users are told to
// copy, as it is, to the local engine. The images are not there, so the jobs are plain
// processes, and perch says so.
func TestTemplates(t *testing.T) {
	bin := build(t).bin
	templates, err := filepath.Glob(filepath.Join(root, "jdl-templates", "Rocky9_*.jdl"))
	if err != nil || len(templates) < 5 {
		t.Fatalf("there are the templates %q, %v", templates, err)
	}
	// Short, because sockets lie in it.
	dir, err := os.MkdirTemp("", "docs-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	perch := func(args ...string) (string, error) {
		cmd := exec.Command(filepath.Join(bin, "perch"), args...)
		cmd.Env = append(os.Environ(), "PERCH_ENGINE=local", "PERCH_IMAGES="+filepath.Join(dir, "images"),
			"XDG_STATE_HOME="+dir, "XDG_RUNTIME_DIR="+dir, "XDG_CONFIG_HOME="+dir)
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	for _, template := range templates {
		t.Run(filepath.Base(template), func(t *testing.T) {
			out, err := perch("up", "--timeout", "2m", template)
			if err != nil || !strings.Contains(out, "can be entered") {
				t.Errorf("%v\n%s", err, out)
			}
			if out, err := perch("stop", template); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}
