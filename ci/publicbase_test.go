package main

import (
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/types"

	"perch/ci/internal/buildah"
)

// site is a registry on loopback that buildah may use without TLS, a storage of the
// test's own, and the folder of an environment whose base is site's.
type site struct {
	kit
	dir, address string
	server       *httptest.Server
}

// needSite starts the registry; it answers for repositories called as one of the
// statuses with that status.
func needSite(t *testing.T) site {
	t.Helper()
	s := site{kit: needKit(t), dir: ownStorage(t)}
	handler := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for _, status := range []int{http.StatusUnauthorized, http.StatusTooManyRequests} {
			if strings.HasPrefix(r.URL.Path, fmt.Sprintf("/v2/%d/", status)) {
				w.Header().Set("Retry-After", "0")
				http.Error(w, `{"errors":[]}`, status)
				return
			}
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	s.server = server
	s.address = strings.TrimPrefix(server.URL, "http://")
	config := filepath.Join(s.dir, "registries.conf")
	writeFile(t, config, fmt.Sprintf("[[registry]]\nlocation = %q\ninsecure = true\n", s.address))
	t.Setenv("CONTAINERS_REGISTRIES_CONF", config)
	return s
}

// build is the command that builds on base as the environment's default.
func (s site) build(t *testing.T, base string, options ...string) []string {
	t.Helper()
	images := smallEnvironment(t, t.TempDir(), "")
	writeFile(t, filepath.Join(images, "small", "Containerfile"), "ARG BASE="+base+"\nFROM ${BASE}\nCOPY shared/ /usr/local/share/perch/\n")
	return append([]string{"build", "small", "--images", images, "--entrypoint", s.entrypoint}, options...)
}

// push sends an image, and returns its name.
func (s site) push(t *testing.T, repository string, image remote.Taggable) string {
	t.Helper()
	to, err := name.NewTag(s.address + "/" + repository + ":1")
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.Push(to, image); err != nil {
		t.Fatal(err)
	}
	return to.Name()
}

// A default base may be of any kind that registries have, and --fresh gets it anew.
func TestBuildFromARegistry(t *testing.T) {
	s := needSite(t)
	made := func(kind string) v1.Image {
		image, err := imageOf(kind)
		if err != nil {
			t.Fatal(err)
		}
		return image
	}
	image := made("")
	for repository, pushed := range map[string]remote.Taggable{
		"oci/image":    image,
		"oci/index":    mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: image}),
		"docker/image": asDocker(t, image),
	} {
		t.Run(repository, func(t *testing.T) {
			build := s.build(t, s.push(t, repository, pushed), "-o", t.TempDir())
			if _, stderr, err := s.run(build...); err != nil {
				t.Fatalf("%v\n%s", err, stderr)
			}
		})
	}
	base := s.push(t, "oci/index", made("packages"))
	build := s.build(t, base, "--fresh")
	_, stderr, err := s.run(append(build, "-o", t.TempDir())...)
	if err != nil || !strings.Contains(stderr, "pulling "+base) {
		t.Errorf("--fresh: %v\n%s", err, stderr)
	}
	s.server.Close()
	s.fails(t, t.TempDir(), base+" cannot be reached: dial tcp ", build...)
}

// asDocker is an image as docker push sends it.
func asDocker(t *testing.T, image v1.Image) v1.Image {
	t.Helper()
	config, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	layers, err := image.Layers()
	if err != nil {
		t.Fatal(err)
	}
	bare := config.DeepCopy()
	bare.RootFS.DiffIDs, bare.History = nil, nil
	docker, err := mutate.ConfigFile(empty.Image, bare)
	if err != nil {
		t.Fatal(err)
	}
	docker, err = mutate.Append(docker, mutate.Addendum{Layer: layers[0], MediaType: types.DockerLayer})
	if err != nil {
		t.Fatal(err)
	}
	return docker
}

// A registry that answers is there; only for one that cannot be reached there is a
// base made here.
func TestBuildWithoutARegistry(t *testing.T) {
	s := needSite(t)
	storage, err := buildah.Open(t.Context(), filepath.Join(s.dir, "cache/perch/ci"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	root := filepath.Join(s.dir, "root.tar")
	writeFile(t, root, strings.Repeat("\x00", 1024))
	if err := storage.Import(t.Context(), root, "localhost/perch-base:bookworm"); err != nil {
		t.Fatal(err)
	}
	for repository, want := range map[string]string{"429": "429", "401": "unauthorized", "404": "404"} {
		t.Run(repository, func(t *testing.T) {
			base := s.address + "/" + repository + "/debian:bookworm"
			s.fails(t, t.TempDir(), "pulling "+base+": buildah: ", s.build(t, base)...)
			_, stderr, _ := s.run(s.build(t, base, "-o", t.TempDir())...)
			if last := lastLine(stderr); !strings.Contains(last, want) || !strings.Contains(last, "; name another base with --base") {
				t.Errorf("the last line is %q, and should have %q", last, want)
			}
		})
	}
	gone := httptest.NewServer(nil)
	gone.Close()
	for _, address := range []string{"registry.test", strings.TrimPrefix(gone.URL, "http://")} {
		base := address + "/debian:bookworm"
		_, stderr, err := s.run(s.build(t, base, "-o", t.TempDir())...)
		if err != nil || !strings.Contains(stderr, base+" cannot be reached (dial tcp") {
			t.Errorf("%v\n%s", err, stderr)
		}
	}
}

// A base that was built here is asked for in no registry.
func TestBuildFromABaseOfThisMachine(t *testing.T) {
	s := needSite(t)
	storage, err := buildah.Open(t.Context(), filepath.Join(s.dir, "cache/perch/ci"), io.Discard)
	if err != nil {
		t.Fatal(err)
	}
	build := s.build(t, "localhost/perch/own:latest", "--fresh")
	s.fails(t, t.TempDir(), "the base localhost/perch/own:latest is not there; build it first, or name another with --base", build...)
	root := filepath.Join(s.dir, "root.tar")
	writeFile(t, root, strings.Repeat("\x00", 1024))
	if err := storage.Import(t.Context(), root, "localhost/perch/own:latest"); err != nil {
		t.Fatal(err)
	}
	if _, stderr, err := s.run(append(build, "-o", t.TempDir())...); err != nil {
		t.Errorf("%v\n%s", err, stderr)
	}
}
