package main

import (
	"crypto/sha256"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"perch/ci/internal/buildah"
)

// A base that is made here, and what is built on it, come through the proxy of this
// machine's apt, whose password stays out of the image and of the log.
func TestProxyOfThisMachine(t *testing.T) {
	k := needKit(t)
	root := strings.TrimSuffix(minimal(t, k), ".tar")
	dir := ownStorage(t)
	var asked atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Proxy-Authorization") != "" {
			asked.Add(1)
		}
		http.Error(w, "this proxy has nothing", http.StatusForbidden)
	}))
	t.Cleanup(proxy.Close)
	address := strings.Replace(proxy.URL, "//", "//user:secret-word@", 1)
	config := filepath.Join(dir, "apt.conf")
	writeFile(t, config, fmt.Sprintf("Acquire::http::Proxy %q;\nAcquire::Check-Valid-Until \"false\";\n", address))
	t.Setenv("APT_CONFIG", config)

	images := smallEnvironment(t, dir, fmt.Sprintf(`printf %%s "$http_proxy" | sha256sum | grep -q ^%x`, sha256.Sum256([]byte(address))))
	containerfile := filepath.Join(images, "small", "Containerfile")
	text, err := os.ReadFile(containerfile)
	if err != nil {
		t.Fatal(err)
	}
	writeFile(t, containerfile, strings.Replace(string(text), "registry.test/none:1", "registry.test/debian:bookworm", 1))
	build := []string{"build", "small", "--images", images, "--entrypoint", k.entrypoint, "--base", "mmdebstrap", "-o", filepath.Join(dir, "out")}
	if _, stderr, err := k.run(build...); err == nil || asked.Load() == 0 {
		t.Errorf("mmdebstrap asked the proxy %d times: %v\n%s", asked.Load(), err, stderr)
	}

	cache := filepath.Join(dir, "cache/perch/ci")
	storage, err := buildah.Open(t.Context(), cache, io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	tarFile := filepath.Join(dir, "root.tar")
	if out, err := exec.Command("tar", "-C", root, "-cf", tarFile, ".").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := storage.Import(t.Context(), tarFile, "localhost/perch-base:bookworm"); err != nil {
		t.Fatal(err)
	}
	if _, stderr, err := k.run(build...); err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	for _, place := range []string{filepath.Join(dir, "out"), filepath.Join(cache, "small.log"), filepath.Join(cache, "storage", "overlay-images")} {
		out, err := exec.Command("grep", "-r", "-l", "secret-word", place).CombinedOutput()
		if exit, _ := err.(*exec.ExitError); exit == nil || exit.ExitCode() != 1 {
			t.Errorf("the password is in %s: %v", out, err)
		}
	}
}
