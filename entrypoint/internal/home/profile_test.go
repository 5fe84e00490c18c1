package home

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perch/entrypoint/internal/finding"
)

// login is what a login shell in the home says of its environment.
func (p *Place) login(t *testing.T) string {
	t.Helper()
	cmd := exec.Command("/bin/bash", "-lc", `echo "${PATH%%:*} $OMP_NUM_THREADS"`)
	cmd.Env = []string{"HOME=" + p.Home, "PATH=/usr/bin:/bin", "OMP_NUM_THREADS=profile"}
	out, err := cmd.CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return strings.TrimSpace(string(out))
}

// TestKeepEnviron: a home that is brought along tells no job what an earlier one
// knew.
func TestKeepEnviron(t *testing.T) {
	root := short(t)
	for _, threads := range []string{"2", "it's; 3\n"} {
		p := prepare(t, root)
		before := len(p.Found)
		p.KeepEnviron("/bin/bash", []string{"/opt/it's own"}, map[string]string{"OMP_NUM_THREADS": threads})
		if got := p.login(t); got != strings.TrimSpace("/opt/it's own "+threads) {
			t.Errorf("with %q: got %q", threads, got)
		}
		for _, f := range p.Found[before:] {
			if f.Outcome != finding.Mended {
				t.Errorf("got %+v", f)
			}
		}
		if len(p.Found) != before+2 {
			t.Errorf("got %+v", p.Found)
		}
	}
	if got := prepare(t, root).login(t); strings.HasPrefix(got, "/opt") || !strings.HasSuffix(got, " profile") {
		t.Errorf("a third job that lacks nothing: got %q", got)
	}
}

// TestKeepEnvironOfUsers: what cannot be mended is said, and the user's own files
// stay.
func TestKeepEnvironOfUsers(t *testing.T) {
	parts, vars := []string{"/opt/own"}, map[string]string{"CUDA_VISIBLE_DEVICES": "0"}
	for _, test := range []struct {
		name, shell, own string
		vars             map[string]string
		found            int
	}{
		{"zsh", "/bin/zsh", "", vars, 2},
		{"zsh with a file", "/bin/zsh", ".zprofile", vars, 0},
		{"bash with a file", "/bin/bash", ".bash_profile", vars, 0},
		{"another HOME", "/bin/bash", "", map[string]string{"HOME": "/x"}, 2},
		{"nothing lost", "/bin/bash", "", nil, 1},
	} {
		t.Run(test.name, func(t *testing.T) {
			p := prepare(t, short(t))
			if test.own != "" {
				if err := os.WriteFile(filepath.Join(p.Home, test.own), []byte("mine"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			before := len(p.Found)
			p.KeepEnviron(test.shell, parts, test.vars)
			if got := p.Found[before:]; len(got) != test.found || test.vars != nil && test.found > 0 && got[0].Outcome != finding.Said {
				t.Errorf("got %+v", got)
			}
			if test.own != "" {
				if text, err := os.ReadFile(filepath.Join(p.Home, test.own)); string(text) != "mine" {
					t.Errorf("the user's file has %q, %v", text, err)
				}
			}
		})
	}
}
