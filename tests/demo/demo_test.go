// Package demo tests the script that "make demo" runs.
package demo

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/adrg/xdg"

	"perch/tests/pool"
)

const done = "All is well.\n"

func TestDemo(t *testing.T) {
	pool.Requires(t, "openssh-client", "runc", "buildah", "mmdebstrap")
	shared := sharedDir(t)
	buildPrograms(t, shared)
	t.Run("plain processes", func(t *testing.T) {
		out := succeed(t, demo(t, shared, t.TempDir()))
		if want := "There is no image in"; !strings.Contains(out, want) {
			t.Errorf("the demo does not say %q:\n%s", want, out)
		}
	})
	t.Run("container", func(t *testing.T) {
		out := succeed(t, demo(t, shared, cacheWithImage(t, shared)))
		if !strings.Contains(out, "container_image = ") || strings.Contains(out, "is not used") {
			t.Errorf("the demo did not run in the image:\n%s", out)
		}
	})
	if os.Getuid() == 0 {
		t.Run("ordinary user", func(t *testing.T) {
			cmd := demo(t, shared, filepath.Join(shared, "cache"))
			cmd.SysProcAttr = &syscall.SysProcAttr{Credential: ordinary(t)}
			succeed(t, cmd)
		})
	}
	t.Run("no ssh", func(t *testing.T) {
		cmd := demo(t, shared, t.TempDir())
		cmd.Env = append(cmd.Env, "PATH="+toolsButSSH(t))
		fail(t, cmd, "apt-get install openssh-client")
	})
	t.Run("a step fails", func(t *testing.T) {
		if err := os.Remove(filepath.Join(shared, "bin", "perch-entrypoint")); err != nil {
			t.Fatal(err)
		}
		fail(t, demo(t, shared, t.TempDir()), "install it beside perch")
	})
}

// sharedDir is a temporary directory that other users can read, too.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "demo-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// buildPrograms makes dir/bin, and dir/demo, which whoever cannot read this
// tree can run.
func buildPrograms(t *testing.T, dir string) {
	t.Helper()
	for name, pkg := range map[string]string{"perch": "./shim/cmd/perch", "perch-ssh": "./shim/cmd/perch-ssh",
		"perch-entrypoint": "./entrypoint", "perch-ci": "./ci"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(dir, "bin", name), pkg)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", name, err, out)
		}
	}
	script, err := os.ReadFile("demo")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "demo"), script, 0o755); err != nil {
		t.Fatal(err)
	}
}

// cacheWithImage is a cache directory with the image that perch-ci builds. Other
// tests of this machine use the same one.
func cacheWithImage(t *testing.T, dir string) string {
	t.Helper()
	built := filepath.Join(xdg.CacheHome, "perch", "e2e")
	cmd := exec.Command(filepath.Join(dir, "bin", "perch-ci"), "build", "debian12", "-o", built, "--base", "mmdebstrap")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the image: %v\n%s", err, out)
	}
	images := filepath.Join(t.TempDir(), "perch", "images")
	if err := os.MkdirAll(images, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(filepath.Join(built, "debian12"), filepath.Join(images, "debian12")); err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(filepath.Dir(images))
}

func demo(t *testing.T, dir, cache string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(filepath.Join(dir, "demo"), filepath.Join(dir, "bin"))
	cmd.Dir = "/"
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+cache)
	return cmd
}

func succeed(t *testing.T, cmd *exec.Cmd) string {
	t.Helper()
	before := folders(t)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.HasSuffix(string(out), done) {
		t.Fatalf("%v\n%s", err, out)
	}
	wantNoneLeft(t, before)
	return string(out)
}

// fail wants the demo to end with an error that says want, and no folder left.
func fail(t *testing.T, cmd *exec.Cmd, want string) {
	t.Helper()
	before := folders(t)
	out, err := cmd.CombinedOutput()
	if err == nil || strings.Contains(string(out), done) || !strings.Contains(string(out), want) {
		t.Errorf("%v, want an error and %q:\n%s", err, want, out)
	}
	wantNoneLeft(t, before)
}

func wantNoneLeft(t *testing.T, before map[string]bool) {
	t.Helper()
	for dir := range folders(t) {
		if !before[dir] {
			t.Errorf("the demo has left %s", dir)
		}
	}
}

// folders are those of demos that run or have left something.
func folders(t *testing.T) map[string]bool {
	t.Helper()
	found, err := filepath.Glob("/tmp/perch-??????/state")
	if err != nil {
		t.Fatal(err)
	}
	set := map[string]bool{}
	for _, dir := range found {
		set[dir] = true
	}
	return set
}

// ordinary is an account that every Debian has and nobody uses.
func ordinary(t *testing.T) *syscall.Credential {
	t.Helper()
	u, err := user.Lookup("games")
	if err != nil {
		t.Fatal(err)
	}
	uid, errUID := strconv.ParseUint(u.Uid, 10, 32)
	gid, errGID := strconv.ParseUint(u.Gid, 10, 32)
	if errUID != nil || errGID != nil {
		t.Fatalf("the account games has the ids %q and %q", u.Uid, u.Gid)
	}
	return &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
}

// toolsButSSH is a directory with what the demo calls before it looks for ssh.
func toolsButSSH(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"bash", "dirname", "realpath"} {
		path, err := exec.LookPath(name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(path, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}
