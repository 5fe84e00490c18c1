package images

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestRerun: smoke tries nothing again because of what it has itself written, but
// does when a program has changed.
func TestRerun(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	checkout := filepath.Join(dir, "checkout")
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.Command(name, args...)
		if name != "git" || args[0] != "clone" {
			cmd.Dir = checkout
		}
		// By default, go notes in programs whether there are changes.
		cmd.Env = append(os.Environ(), "GOFLAGS=-buildvcs=auto", "GO="+filepath.Join(dir, "go"), "GOCACHE="+goCache(t), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
		}
		return string(out)
	}
	run("git", "clone", "--quiet", "--shared", "../..", checkout)
	script, err := os.ReadFile("smoke")
	if err != nil {
		t.Fatal(err)
	}
	program(t, filepath.Join(checkout, "tests/images/smoke"), string(script))
	run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--all", "--allow-empty", "--message", "the script")
	// A go that does not try, but writes the page.
	program(t, filepath.Join(dir, "go"), "#!/bin/sh\n[ \"$1\" = test ] || exec go \"$@\"\necho tried\necho more >>docs/images.html\n")

	for _, c := range []struct {
		what   string
		change string
		tried  bool
	}{{"the first time", "", true}, {"nothing changed", "", false}, {"a program changed", "func init() { println() }\n", true}} {
		file, err := os.OpenFile(filepath.Join(checkout, "ci/main.go"), os.O_APPEND|os.O_WRONLY, 0)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := file.WriteString(c.change); err != nil {
			t.Fatal(err)
		}
		file.Close()
		run("make", "build")
		if out := run("tests/images/smoke", "minimal"); strings.HasPrefix(out, "tried\n") != c.tried || strings.HasPrefix(out, "nothing has changed since ") == c.tried {
			t.Errorf("%s: %s", c.what, out)
		}
	}
}

func program(t *testing.T, file, content string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(content), 0o755); err != nil {
		t.Fatal(err)
	}
}

func goCache(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
