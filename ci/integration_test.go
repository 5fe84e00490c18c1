package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/adrg/xdg"
	"golang.org/x/sys/unix"

	"perch/ci/internal/entrylayer"
	"perch/ci/internal/ociarchive"
	"perch/ci/internal/tool"
	"perch/entrypoint/contract"
)

// The tests of this file build the real debian12 image and try it. Base and
// layers come from the user's cache: some minutes from nothing, seconds after.

// kit is what they work with.
type kit struct{ ci, entrypoint, images string }

// kitDir holds it.
var kitDir string

var makeKit = sync.OnceValues(func() (k kit, err error) {
	if kitDir, err = os.MkdirTemp("", "perch-ci-test-"); err != nil {
		return kit{}, err
	}
	k = kit{ci: filepath.Join(kitDir, "perch-ci"), entrypoint: filepath.Join(kitDir, "perch-entrypoint"), images: "../images"}
	for program, pkg := range map[string]string{k.ci: ".", k.entrypoint: "../entrypoint"} {
		build := exec.Command("go", "build", "-buildvcs=false", "-ldflags=-s -w", "-o", program, pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			return kit{}, fmt.Errorf("%w: %s", err, out)
		}
	}
	return k, nil
})

// needKit fails where images cannot be built; short tests build none.
func needKit(t *testing.T) kit {
	t.Helper()
	if testing.Short() && os.Getenv("CI") == "" {
		t.Skip("short tests build no images; make test does")
	}
	if err := tool.Need("buildah", "runc", "ssh"); err != nil {
		t.Fatal(err)
	}
	k, err := makeKit()
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// run runs perch-ci.
func (k kit) run(args ...string) (stdout, stderr string, err error) {
	cmd := exec.Command(k.ci, args...)
	var o, e bytes.Buffer
	cmd.Stdout, cmd.Stderr = &o, &e
	err = cmd.Run()
	return o.String(), e.String(), err
}

func (k kit) build(out string) (stdout, stderr string, err error) {
	return k.run("build", "debian12", "--base", "mmdebstrap", "--images", k.images, "--entrypoint", k.entrypoint, "-o", out)
}

// builtImage is the directory with the files of a build, kept in the cache.
func builtImage(t *testing.T, k kit) string {
	t.Helper()
	out := filepath.Join(xdg.CacheHome, "perch", "test", "images")
	if stdout, stderr, err := k.build(out); err != nil {
		t.Fatalf("%v\n%s%s", err, stdout, stderr)
	}
	return out
}

func TestBuildAndSmoke(t *testing.T) {
	k := needKit(t)
	out := builtImage(t, k)
	stdout, stderr, err := k.build(out)
	image := filepath.Join(out, "debian12")
	files := []string{image + ".tar", image}
	if tool.Have("apptainer") {
		files = append(files, image+".sif")
	}
	want := strings.Join(append(files, image+".packages.tsv", image+".spdx.json"), "\n") + "\n"
	if err != nil || stdout != want || !strings.HasSuffix(stderr, "perch-ci: debian12 has not changed\n") {
		t.Errorf("a build without changes: %v, stdout %q, stderr %q; want %q and that nothing has changed", err, stdout, stderr, want)
	}
	// Trying it unpacked, with an IDE's server, is for tests/images.
	table, stderr, err := k.run("smoke", "--images", k.images, image+".tar")
	if err != nil || strings.Count(table, "\nok ") != 26 || !strings.Contains(table, "\nskip  VS Code server ") {
		t.Errorf("smoke %s.tar: %v; want 27 rows that are ok, and one that was skipped\n%s%s", image, err, table, stderr)
	}
	t.Logf("\n%s", table)
	if out, _, err := k.run("diff", image+".tar", image+".packages.tsv"); err != nil || out != "" {
		t.Errorf("an image and its own list differ: %v, %q", err, out)
	}
}

// TestOrigin: the archive's annotations and the image's labels say what it was
// made of.
func TestOrigin(t *testing.T) {
	archive, err := ociarchive.Open(filepath.Join(builtImage(t, needKit(t)), "debian12.tar"))
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	image, err := archive.Image()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	for name, form := range map[string]string{
		entrylayer.Title: "^Perch Debian 12$", entrylayer.Environment: "^debian12$", entrylayer.Contract: fmt.Sprintf("^%d$", contract.Version),
		entrylayer.Revision: "^[0-9a-f]{40}$", entrylayer.BaseName: "debian|bookworm", entrylayer.BaseDigest: "^sha256:[0-9a-f]{64}$",
	} {
		if got := manifest.Annotations[name]; !regexp.MustCompile(form).MatchString(got) || config.Config.Labels[name] != got {
			t.Errorf("%s: annotation %q, label %q; want %s", name, got, config.Config.Labels[name], form)
		}
	}
	if created, err := time.Parse(time.RFC3339, manifest.Annotations[entrylayer.Created]); err != nil || created.Year() < 2026 {
		t.Errorf("created %v, %v", created, err)
	}
}

// An image that has an entrypoint and nothing else starts, and is found out.
func TestSmokeOfABrokenImage(t *testing.T) {
	k := needKit(t)
	tree := t.TempDir()
	bin := filepath.Join(tree, "usr/local/bin")
	if err := os.MkdirAll(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	table, _, err := k.run("smoke", "--images", k.images, tree)
	if err == nil || !strings.Contains(table, "FAIL  entrypoint ready  it ended") || strings.Count(table, "\n") != 1 {
		t.Errorf("without an entrypoint: %v\n%s", err, table)
	}
	if err := os.CopyFS(bin, os.DirFS(filepath.Dir(k.entrypoint))); err != nil {
		t.Fatal(err)
	}
	table, stderr, err := k.run("smoke", "--images", k.images, tree)
	if err == nil || !strings.Contains(table, "ok    entrypoint ready") || !strings.Contains(table, "FAIL  exit status") || !strings.Contains(table, "ok    stop") {
		t.Errorf("without a shell: %v\n%s", err, table)
	}
	if !strings.Contains(stderr, "has no shell") {
		t.Errorf("the job's output is not shown: %q", stderr)
	}
}

// Ctrl-C leaves the rows of what was tried before, and one that says so.
func TestInterruptedSmoke(t *testing.T) {
	k := needKit(t)
	image := filepath.Join(builtImage(t, k), "debian12")
	dir := t.TempDir()
	ssh, err := exec.LookPath("ssh")
	if err != nil {
		t.Fatal(err)
	}
	const script = "#!/bin/sh\ncase $* in *'exit 7'*) kill -INT $PPID; exec sleep 600 ;; esac\nexec %s \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "ssh"), fmt.Appendf(nil, script, ssh), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir+":"+os.Getenv("PATH"))
	junit, json := filepath.Join(dir, "junit.xml"), filepath.Join(dir, "report.json")
	table, stderr, err := k.run("smoke", "--images", k.images, "--junit", junit, "--json", json, "--html", filepath.Join(dir, "page.html"), image, image)
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 || !strings.HasSuffix(stderr, "\nperch-ci: trying debian12 was stopped: interrupt signal received\n") {
		t.Errorf("%v, stderr %q", err, stderr)
	}
	const last = "exit status       cut off, as are the checks after it: interrupt signal received\n"
	if strings.Count(table, "\nok ") != 7 || !strings.HasSuffix(table, "\nFAIL  "+last) {
		t.Errorf("want 7 rows that are ok, and that the next was cut off:\n%s", table)
	}
	for file, pattern := range map[string]string{
		junit:                           `(?s)tests="8" failures="1".*interrupt signal received`,
		json:                            `(?s)("ok".*){7}interrupt signal received`,
		filepath.Join(dir, "page.html"): "interrupt signal received",
	} {
		if content, err := os.ReadFile(file); err != nil || !regexp.MustCompile(pattern).Match(content) {
			t.Errorf("%s: %v: has no %s:\n%.300s", file, err, pattern, content)
		}
	}
}

// Two builds at once both end well, and what they make is whole.
func TestTwoBuildsAtOnce(t *testing.T) {
	k := needKit(t)
	builtImage(t, k)
	out := t.TempDir()
	var builds sync.WaitGroup
	for range 2 {
		builds.Go(func() {
			if _, stderr, err := k.build(out); err != nil {
				t.Errorf("%v: %s", err, stderr)
			}
		})
	}
	builds.Wait()
	entries, err := os.ReadDir(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), "part") || strings.Contains(e.Name(), "previous") {
			t.Errorf("left behind: %s", e.Name())
		}
	}
	if _, err := os.Stat(filepath.Join(out, "debian12", "usr/local/bin/perch-entrypoint")); err != nil {
		t.Error(err)
	}
}

// A full disk is named, and what an earlier build made stays as it was.
func TestBuildOnAFullDisk(t *testing.T) {
	k := needKit(t)
	builtImage(t, k)
	out := t.TempDir()
	if os.Geteuid() != 0 {
		t.Fatal("only root can mount a small file system; run this test as root")
	}
	if err := unix.Mount("tmpfs", out, "tmpfs", 0, "size=20m"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { unix.Unmount(out, 0) })
	earlier := filepath.Join(out, "debian12.tar")
	if err := os.WriteFile(earlier, []byte("earlier"), 0o644); err != nil {
		t.Fatal(err)
	}
	_, stderr, err := k.build(out)
	last := stderr[strings.LastIndexByte(strings.TrimSpace(stderr), '\n')+1:]
	if err == nil || !strings.HasPrefix(last, "perch-ci: building debian12: ") || !strings.Contains(last, "no space left on device; make room where "+out) {
		t.Errorf("got %v, last line %q", err, last)
	}
	entries, _ := os.ReadDir(out)
	if content, _ := os.ReadFile(earlier); string(content) != "earlier" || len(entries) != 1 {
		t.Errorf("%s holds %q, and beside it is %v", earlier, content, entries)
	}
}

// A build that is interrupted leaves nothing.
func TestInterruptedBuild(t *testing.T) {
	k := needKit(t)
	builtImage(t, k)
	out := t.TempDir()
	cmd := exec.Command(k.ci, "build", "debian12", "--images", k.images, "--entrypoint", k.entrypoint, "-o", out)
	stderr := &interrupter{cmd: cmd}
	cmd.Stderr = stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != 1 {
		t.Errorf("got %v, want exit status 1", err)
	}
	if !strings.HasSuffix(stderr.text.String(), " was stopped: interrupt signal received\n") {
		t.Errorf("stderr: %s", stderr.text.String())
	}
	if entries, _ := os.ReadDir(out); len(entries) != 0 {
		t.Errorf("left behind: %v", entries)
	}
}

// interrupter sends SIGINT once perch-ci says that it writes the archive.
type interrupter struct {
	cmd  *exec.Cmd
	text bytes.Buffer
}

func (w *interrupter) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("perch-ci: writing ")) {
		_ = w.cmd.Process.Signal(syscall.SIGINT)
	}
	return w.text.Write(p)
}
