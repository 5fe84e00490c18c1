package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"perch/ci/internal/tool"
)

// podman builds an image that runs, from a base that is a file.
func TestBuildWithPodman(t *testing.T) {
	k := needKit(t)
	if err := tool.Need("podman"); err != nil {
		t.Fatal(err)
	}
	base := minimal(t, k)
	dir := ownStorage(t)
	out := filepath.Join(dir, "out")
	images := smallEnvironment(t, dir, "test ! -e /srv/smoke.yaml && echo built >/srv/built && rm -r /scratch && mkdir /scratch")
	build := func() (string, string, error) {
		return k.run("build", "small", "--builder", "podman", "--base", "oci-archive:"+base,
			"--images", images, "--entrypoint", k.entrypoint, "-o", out)
	}
	if _, stderr, err := build(); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	tree := filepath.Join(out, "small")
	if text, err := os.ReadFile(filepath.Join(tree, "srv/built")); string(text) != "built\n" {
		t.Errorf("what RUN has written is %q, %v", text, err)
	}
	for _, image := range []string{tree, tree + ".tar"} {
		table, stderr, err := k.run("smoke", "--images", k.images, "--environment", "minimal", image)
		if err != nil || strings.Count(table, "\n") != 28 {
			t.Errorf("smoke %s: %v\n%s%s", image, err, table, stderr)
		}
	}
	if _, stderr, err := build(); err != nil || !strings.HasSuffix(stderr, "perch-ci: small has not changed\n") {
		t.Errorf("a build without changes: %v\n%s", err, stderr)
	}
}

// ownStorage has podman and perch-ci keep their things in a directory of the
// test's, which it returns.
func ownStorage(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	// Both leave a mount there.
	t.Cleanup(func() {
		for _, storage := range []string{"storage", "cache/perch/ci/storage"} {
			_ = unix.Unmount(filepath.Join(dir, storage, "overlay"), unix.MNT_DETACH)
		}
	})
	config := filepath.Join(dir, "storage.conf")
	text := fmt.Sprintf("[storage]\ndriver = \"overlay\"\ngraphroot = \"%s/storage\"\nrunroot = \"%s/run\"\n", dir, dir)
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Setenv("CONTAINERS_STORAGE_CONF", config)
	t.Setenv("XDG_CACHE_HOME", filepath.Join(dir, "cache"))
	return dir
}
