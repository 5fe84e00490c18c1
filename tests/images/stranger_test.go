package images

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perch/tests/cache"
	"perch/tests/pool"
	"perch/tests/session"
)

// TestNewEnvironment does what images/README.md says of a new environment, with
// the lines that stand there: first where images are built, then as alice on a
// submit host.
func TestNewEnvironment(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile(filepath.Join(own, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	scripts := blocks(string(text), "## A new environment")
	if len(scripts) != 2 {
		t.Fatalf("the README has %d blocks of commands, want one for building and one for the job", len(scripts))
	}
	p := pool.Start(t, pool.V25, pool.Config{Extra: "STARTER_INITIAL_UPDATE_INTERVAL = 0\n"})
	checkout := filepath.Join(p.Dir(), "perch")
	copyCheckout(t, checkout)

	user := t.TempDir()
	images := filepath.Join(user, ".cache/perch/images")
	// The layers of earlier builds are used, and the rest is the stranger's own.
	if err := os.MkdirAll(filepath.Dir(images), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(cache.Dir("ci"), filepath.Join(user, ".cache/perch/ci")); err != nil {
		t.Fatal(err)
	}
	build := exec.Command("sh", "-eux", "-c", scripts[0])
	build.Dir = checkout
	build.Env = append(os.Environ(), "HOME="+user, "XDG_CACHE_HOME=", "GOPATH="+session.GoEnv(t, "GOPATH"), "GOCACHE="+session.GoEnv(t, "GOCACHE"))
	out, err := build.CombinedOutput()
	t.Logf("%s", out)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(out), "\nok    tools                 22 tools\n") {
		t.Error("the tool of its own was not tried")
	}

	// The pool has the Apptainer that would have unpacked the image there.
	tree := p.Image(t, pool.Sandbox, "debian12-root", filepath.Join(images, "debian12-root.tar"))
	p.Run(t, "alice", "mkdir", "-p", ".cache/perch/images")
	p.Run(t, "alice", "ln", "-s", tree, ".cache/perch/images/debian12-root")
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Minute)
	defer cancel()
	r, err := p.Exec(ctx, "alice", "env", "-C", "/host/perch", "sh", "-eux", "-c", scripts[1])
	t.Logf("%s%s", r.Stdout, r.Stderr)
	if err != nil || r.Code != 0 {
		t.Fatalf("in the pool: %v, exit status %d", err, r.Code)
	}
	if !strings.HasPrefix(r.Stdout, "h5ls: Version ") {
		t.Error("the job did not run h5ls")
	}
}

// blocks are the indented blocks below a heading of a page.
func blocks(page, heading string) []string {
	_, section, _ := strings.Cut(page, "\n"+heading+"\n")
	section, _, _ = strings.Cut(section, "\n## ")
	var found []string
	inside := false
	for line := range strings.Lines(section) {
		code, indented := strings.CutPrefix(line, "    ")
		switch {
		case indented && inside:
			found[len(found)-1] += code
		case indented:
			found = append(found, code)
		}
		inside = indented
	}
	return found
}

// copyCheckout copies what a clone would have of this checkout.
func copyCheckout(t *testing.T, to string) {
	t.Helper()
	if err := os.Mkdir(to, 0o755); err != nil {
		t.Fatal(err)
	}
	list := exec.Command("sh", "-c", `git ls-files -z | xargs -0 cp --parents -P -t "$0"`, to)
	list.Dir = "../.."
	if out, err := list.CombinedOutput(); err != nil {
		t.Fatalf("copying the checkout: %v\n%s", err, out)
	}
}
