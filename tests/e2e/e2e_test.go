// Package e2e holds what Perch promises to its users, the same in each place
// where jobs run: on this machine without and with a container, and in real
// HTCondor pools of both versions.
//
// The suite runs on the submit host, as an ordinary user. In a pool that is a
// container, so this test binary, which is static, is run there again, with
// placeEnv set.
package e2e

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/pool"
)

// placeEnv says that this process is the suite, and where it runs.
const placeEnv = "PERCH_E2E_PLACE"

func TestSession(t *testing.T) {
	if where := os.Getenv(placeEnv); where != "" {
		runSuite(t, where)
		return
	}
	pool.Requires(t, pool.Needs...)
	bin := programs(t)
	image := buildImage(t, bin)
	t.Run("local process", func(t *testing.T) { t.Parallel(); runLocal(t, bin, "") })
	t.Run("local container", func(t *testing.T) { t.Parallel(); runLocal(t, bin, image.tree) })
	for _, v := range []pool.Version{pool.V23, pool.V25} {
		t.Run("pool "+string(v), func(t *testing.T) { t.Parallel(); runPool(t, v, bin, image, "") })
		t.Run("pool "+string(v)+" without forwarding", func(t *testing.T) { t.Parallel(); runPool(t, v, bin, image, perConnection) })
	}
}

// programs builds Perch's programs into a directory that everybody may read.
func programs(t *testing.T) string {
	t.Helper()
	bin := sharedDir(t)
	for name, pkg := range map[string]string{"perch": "shim/cmd/perch", "perch-ssh": "shim/cmd/perch-ssh",
		"perch-entrypoint": "entrypoint", "perch-ci": "ci"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(bin, name), "./"+pkg)
		cmd.Dir = filepath.Join("..", "..")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building %s: %v\n%s", name, err, out)
		}
	}
	copyFile(t, executable(t), filepath.Join(bin, "e2e.test"))
	otherContract(t, bin)
	return bin
}

// otherDir lies in the programs' directory and holds the same, but for a
// perch-entrypoint of the next contract.
const otherDir = "other"

func otherContract(t *testing.T, bin string) {
	t.Helper()
	const mine = "const Version = "
	root, err := filepath.Abs(filepath.Join("..", ".."))
	if err != nil {
		t.Fatal(err)
	}
	source := filepath.Join(root, "entrypoint", "contract", "names.go")
	text, err := os.ReadFile(source)
	if err != nil || strings.Count(string(text), mine) != 1 {
		t.Fatalf("%s does not say %q once: %v", source, mine, err)
	}
	dir := t.TempDir()
	changed := filepath.Join(dir, "names.go")
	overlay, err := json.Marshal(map[string]any{"Replace": map[string]string{source: changed}})
	if err != nil {
		t.Fatal(err)
	}
	err = errors.Join(os.WriteFile(changed, []byte(strings.Replace(string(text), mine, mine+"1 + ", 1)), 0o600),
		os.WriteFile(filepath.Join(dir, "overlay.json"), overlay, 0o600), os.Mkdir(filepath.Join(bin, otherDir), 0o755))
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-overlay", filepath.Join(dir, "overlay.json"),
		"-o", filepath.Join(bin, otherDir, "perch-entrypoint"), "./entrypoint")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the other perch-entrypoint: %v\n%s", err, out)
	}
	for _, name := range []string{"perch", "perch-ssh"} {
		copyFile(t, filepath.Join(bin, name), filepath.Join(bin, otherDir, name))
	}
}

type image struct{ archive, tree string }

// buildImage builds the repository's own image, or takes it from the cache.
func buildImage(t *testing.T, bin string) image {
	t.Helper()
	dir := filepath.Join(cacheDir(), "e2e")
	cmd := exec.Command(filepath.Join(bin, "perch-ci"), "build", "debian12", "-o", dir, "--base", "mmdebstrap")
	cmd.Dir = filepath.Join("..", "..")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("building the image: %v\n%s", err, out)
	}
	return image{archive: filepath.Join(dir, "debian12.tar"), tree: filepath.Join(dir, "debian12")}
}

// runInside runs the suite by cmd, which has its arguments and environment, and
// shows what it printed.
func runInside(t *testing.T, cmd *exec.Cmd, cases int) {
	t.Helper()
	var out bytes.Buffer
	cmd.Stdout = &out
	if testing.Verbose() {
		cmd.Stdout = io.MultiWriter(&out, os.Stderr)
	}
	cmd.Stderr = cmd.Stdout
	err := cmd.Run()
	text := out.String()
	if err != nil {
		t.Errorf("the suite failed: %v\n%s", err, text)
		return
	}
	if passed := strings.Count(text, "\n    --- PASS: TestSession/"); passed != cases {
		t.Errorf("%d of %d cases ran\n%s", passed, cases, text)
	}
	t.Log(text)
}

// suiteArgs are the arguments of the test binary that run the cases whose names
// begin with one of only ("|" between them), or all.
func suiteArgs(only string) (args []string, cases int) {
	for _, c := range suite {
		for name := range strings.SplitSeq(only, "|") {
			if strings.HasPrefix(c.name, name) {
				cases++
				break
			}
		}
	}
	only = strings.ReplaceAll(only, " ", "_")
	return []string{"-test.run=^TestSession$/^(" + only + ")", "-test.v", "-test.timeout=25m"}, cases
}

func executable(t *testing.T) string {
	t.Helper()
	path, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	data, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, data, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
}
