package main

import (
	"io"
	"log"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adrg/xdg"
	"github.com/google/go-containerregistry/pkg/registry"
	"golang.org/x/sys/unix"

	"perch/ci/internal/ociarchive"
)

// What cannot be built on is said in one line, and what there was stays.
func TestBuildFromABadBase(t *testing.T) {
	k := needKit(t)
	dir := ownStorage(t)
	images := smallEnvironment(t, dir, "true")
	gone := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	gone.Close()
	whole := writeImage(t, filepath.Join(dir, "bare.tar"), "no-shell")
	writeImage(t, filepath.Join(dir, "other.tar"), "other-machine")
	writeFile(t, filepath.Join(dir, "half.tar"), whole[:len(whole)/2])
	writeFile(t, filepath.Join(dir, "text.tar"), "this is no image")
	for name, c := range map[string]struct{ base, want string }{
		"unreachable default": {"", "registry.test/none:1 cannot be reached: "},
		"unreachable":         {strings.TrimPrefix(gone.URL, "http://") + "/x:1", "connection refused"},
		"no Debian":           {"mmdebstrap", "mmdebstrap cannot make its base; name an image with --base"},
		"no file":             {"oci-archive:" + dir + "/none.tar", "none.tar: no such file or directory"},
		"another machine":     {"oci-archive:" + dir + "/other.tar", "other.tar: it is an image for linux/other, and this perch-entrypoint is for linux/"},
		"no shell":            {"oci-archive:" + dir + "/bare.tar", "the base has no shell, take another"},
		"half an image":       {"oci-archive:" + dir + "/half.tar", "half.tar: the archive is broken: unexpected EOF"},
		"no image":            {"docker-archive:" + dir + "/text.tar", "text.tar is no image: neither an OCI archive nor one of docker save"},
	} {
		t.Run(name, func(t *testing.T) {
			k.fails(t, t.TempDir(), c.want, "build", "small", "--images", images, "--entrypoint", k.entrypoint, "--base", c.base)
		})
	}
	_, stderr, err := k.run("smoke", "--images", k.images, filepath.Join(dir, "half.tar"))
	if last := lastLine(stderr); err == nil || !strings.Contains(last, "half.tar, which should be a directory or an OCI archive: ") {
		t.Errorf("trying half an image: %v, last line %q", err, last)
	}
}

// An image for another machine is found out also where nothing runs in the build.
func TestBuildForAnotherMachine(t *testing.T) {
	k := needKit(t)
	dir := ownStorage(t)
	images := smallEnvironment(t, dir, "")
	writeImage(t, filepath.Join(dir, "other.tar"), "other-machine")
	k.fails(t, t.TempDir(), "it is an image for linux/other, and this perch-entrypoint is for linux/",
		"build", "small", "--images", images, "--entrypoint", k.entrypoint, "--base", "oci-archive:"+dir+"/other.tar:image")
}

// A disk that fills up while commands run is named, and with more room the same
// build does well.
func TestFullDiskAmidABuild(t *testing.T) {
	k := needKit(t)
	base := minimal(t, k)
	dir := ownStorage(t)
	images := smallEnvironment(t, dir, "dd if=/dev/zero of=/large bs=1M count=60")
	small := filepath.Join(dir, "cache")
	mountSmall(t, small, "size=50m")
	out := t.TempDir()
	build := []string{"build", "small", "--images", images, "--entrypoint", k.entrypoint, "--base", "oci-archive:" + base}
	k.fails(t, out, "no space left on device; make room where "+out+", "+small, build...)
	if err := unix.Mount("tmpfs", small, "tmpfs", unix.MS_REMOUNT, "size=300m"); err != nil {
		t.Fatal(err)
	}
	if _, stderr, err := k.run(append(build, "-o", out)...); err != nil {
		t.Errorf("with more room: %v\n%s", err, stderr)
	}
}

// A disk that fills up while an image is baked is named.
func TestBakeOnAFullDisk(t *testing.T) {
	k := needKit(t)
	base := minimal(t, k)
	out := t.TempDir()
	mountSmall(t, out, "size=3m")
	k.fails(t, out, "no space left on device; make room where it is", "bake", "--entrypoint", k.entrypoint, "--base", base)
}

// A disk that fills up while an image is unpacked to be tried is named.
func TestSmokeOnAFullDisk(t *testing.T) {
	k := needKit(t)
	image := minimal(t, k)
	small := filepath.Join(ownStorage(t), "cache")
	mountSmall(t, small, "size=5m")
	_, stderr, err := k.run("smoke", "--images", k.images, image)
	last := lastLine(stderr)
	if err == nil || !strings.HasPrefix(last, "perch-ci: unpacking "+image+": ") || !strings.Contains(last, "no space left on device; make room where "+small) {
		t.Errorf("%v, last line %q", err, last)
	}
}

// fails runs a command that is to end with one line that contains want, and to
// leave in the directory out what was there.
func (k kit) fails(t *testing.T, out, want string, command ...string) {
	t.Helper()
	earlier := filepath.Join(out, "small.tar")
	writeFile(t, earlier, "earlier")
	to := out
	if command[0] == "bake" {
		to = earlier
	}
	stdout, stderr, err := k.run(append(command, "-o", to)...)
	exit, _ := err.(*exec.ExitError)
	last := lastLine(stderr)
	if exit == nil || exit.ExitCode() != 1 || stdout != "" || !strings.HasPrefix(last, "perch-ci: ") || !strings.Contains(last, want) {
		t.Errorf("%v, stdout %q, stderr %q; want a last line with %q", err, stdout, stderr, want)
	}
	entries, err := os.ReadDir(out)
	if content, _ := os.ReadFile(earlier); err != nil || string(content) != "earlier" || len(entries) != 1 {
		t.Errorf("%s holds %q, and beside it is %v, %v", earlier, content, entries, err)
	}
}

func lastLine(text string) string {
	text = strings.TrimSuffix(text, "\n")
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// minimal is an archive of the smallest image with a shell, from the cache.
func minimal(t *testing.T, k kit) string {
	t.Helper()
	out := filepath.Join(xdg.CacheHome, "perch", "test", "images")
	if _, stderr, err := k.run("build", "minimal", "--images", k.images, "--entrypoint", k.entrypoint, "-o", out); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	return filepath.Join(out, "minimal.tar")
}

// mountSmall makes dir a file system of its own.
func mountSmall(t *testing.T, dir, size string) {
	t.Helper()
	if err := os.MkdirAll(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, size); err != nil {
		t.Fatalf("mounting a small file system, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
}

// smallEnvironment makes a folder of environments with one, small, and returns
// it. Its build runs a command, if there is one.
func smallEnvironment(t *testing.T, dir, command string) string {
	t.Helper()
	images := filepath.Join(dir, "images")
	text := "ARG BASE=registry.test/none:1\nFROM ${BASE}\nCOPY shared/ /srv/\n"
	if command != "" {
		text += "RUN " + command + "\n"
	}
	writeFile(t, filepath.Join(images, "small", "Containerfile"), text)
	writeFile(t, filepath.Join(images, "shared", "smoke.yaml"), "")
	writeFile(t, filepath.Join(images, "shared", "packages.tsv"), "")
	return images
}

// writeImage writes an OCI archive of a kind that imageOf knows, and returns its
// content.
func writeImage(t *testing.T, file, kind string) string {
	t.Helper()
	image, err := imageOf(kind)
	if err != nil {
		t.Fatal(err)
	}
	if err := ociarchive.WriteFile(file, image, "image"); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func writeFile(t *testing.T, file, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}
