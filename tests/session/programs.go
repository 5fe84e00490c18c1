// Package session gives tests a job of the local engine with a session server in
// it, and the stock ssh's way there.
package session

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bin is the directory of Perch's programs.
var bin string

// Main builds Perch's programs as they are shipped, runs a package's tests and
// returns the exit status for os.Exit. A package's TestMain calls it.
func Main(m *testing.M) int {
	dir, err := os.MkdirTemp("", "perch-bin-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Jobs may run as another user.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	bin = dir
	for name, pkg := range map[string]string{"perch": "perch/shim/cmd/perch", "perch-ssh": "perch/shim/cmd/perch-ssh",
		"perch-entrypoint": "perch/entrypoint", "perch-ci": "perch/ci"} {
		build := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(dir, name), pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Fprintf(os.Stderr, "building %s: %v\n%s", name, err, out)
			return 1
		}
	}
	return m.Run()
}

// Program is the path of one of Perch's programs. It needs Main.
func Program(name string) string { return filepath.Join(bin, name) }

// GoEnv is a value of "go env", for programs that run with another home.
func GoEnv(t testing.TB, name string) string {
	t.Helper()
	out, err := exec.Command("go", "env", name).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}
