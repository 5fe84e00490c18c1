package main

import (
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/rogpeppe/go-internal/testscript"

	"perch/ci/internal/imagetest"
	"perch/ci/internal/ociarchive"
	"perch/ci/internal/packages"
)

func TestMain(m *testing.M) {
	testscript.Main(tidyM{m}, map[string]func(){"perch-ci": main})
}

// tidyM removes what the tests share once all have run.
type tidyM struct{ *testing.M }

func (m tidyM) Run() int {
	defer func() { os.RemoveAll(kitDir) }()
	return m.M.Run()
}

// TestScripts pins what perch-ci says. $ONLY is a PATH on which nothing but
// perch-ci is found, $REGISTRY a registry, $PRIVATE one that wants a login. The
// command "image FILE KIND" makes an image.
func TestScripts(t *testing.T) {
	images := registry.New(registry.Logger(log.New(io.Discard, "", 0)))
	server := httptest.NewServer(images)
	private := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if _, _, ok := r.BasicAuth(); !ok {
			w.Header().Set("WWW-Authenticate", `Basic realm="private"`)
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		images.ServeHTTP(w, r)
	}))
	// The scripts run in parallel, after this function.
	t.Cleanup(server.Close)
	t.Cleanup(private.Close)
	testscript.Run(t, testscript.Params{
		Cmds:          map[string]func(*testscript.TestScript, bool, []string){"image": makeImage},
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			only, _, _ := strings.Cut(env.Getenv("PATH"), string(filepath.ListSeparator))
			env.Setenv("ONLY", only)
			env.Setenv("REGISTRY", strings.TrimPrefix(server.URL, "http://"))
			env.Setenv("PRIVATE", strings.TrimPrefix(private.URL, "http://"))
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			return nil
		},
	})
}

// makeImage makes the OCI archive args[0] of the kind args[1].
func makeImage(ts *testscript.TestScript, _ bool, args []string) {
	if len(args) != 2 {
		ts.Fatalf("usage: image FILE KIND")
	}
	image, err := imageOf(args[1])
	ts.Check(err)
	ts.Check(ociarchive.WriteFile(ts.MkAbs(args[0]), image, "image"))
}

// imageOf makes an image: bare has one file and a shell, no-shell not even that,
// packages a list of packages, other-machine is for one that there is not.
func imageOf(kind string) (v1.Image, error) {
	layer := imagetest.Layer{"file": "content", "bin/sh": "a shell"}
	if kind == "no-shell" {
		layer = imagetest.Layer{"file": "content"}
	}
	if kind == "packages" {
		layer = imagetest.Layer{packages.File: "bash\t5.2\tamd64\tbash\t\n"}
	}
	image, err := imagetest.Make(layer)
	if err != nil || kind != "other-machine" {
		return image, err
	}
	config, err := image.ConfigFile()
	if err != nil {
		return nil, err
	}
	config = config.DeepCopy()
	config.Architecture = "other"
	return mutate.ConfigFile(image, config)
}
