package pipelines

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// checkout is a copy of the repository, as it is now, in which pipelines may run.
type checkout struct {
	t   *testing.T
	dir string
}

func newCheckout(t *testing.T) *checkout {
	t.Helper()
	c := &checkout{t, t.TempDir()}
	for _, name := range tracked(t) {
		c.copy(name)
	}
	c.git("init", "-q", "-b", "main")
	c.commit()
	return c
}

func (c *checkout) copy(name string) {
	c.t.Helper()
	info, err := os.Lstat(filepath.Join(root, name))
	if errors.Is(err, os.ErrNotExist) || err == nil && !info.Mode().IsRegular() {
		return
	} else if err != nil {
		c.t.Fatal(err)
	}
	c.write(name, read(c.t, name))
	if err := os.Chmod(filepath.Join(c.dir, name), info.Mode()); err != nil {
		c.t.Fatal(err)
	}
}

func (c *checkout) write(name, text string) {
	c.t.Helper()
	path := filepath.Join(c.dir, name)
	if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, []byte(text), 0o644)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *checkout) git(args ...string) {
	c.t.Helper()
	git := exec.Command("git", args...)
	git.Dir = c.dir
	if out, err := git.CombinedOutput(); err != nil {
		c.t.Fatalf("git %q: %v\n%s", args, err, out)
	}
}

func (c *checkout) commit() {
	c.t.Helper()
	c.git("add", "-A")
	c.git("-c", "user.name=site", "-c", "user.email=site@example.org", "commit", "-q", "--allow-empty", "-m", "change")
}
