package bake

import (
	"archive/tar"
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"perch/ci/internal/entrylayer"
	"perch/ci/internal/imagetest"
	"perch/ci/internal/ociarchive"
	"perch/ci/internal/source"
	"perch/ci/internal/steps"
)

// request is one for a base of this layer, with a program of the test's own.
func request(t *testing.T, layer imagetest.Layer) Request {
	t.Helper()
	dir := t.TempDir()
	r := Request{Base: filepath.Join(dir, "base.tar"), Out: filepath.Join(dir, "out", "baked.tar"), Entrypoint: filepath.Join(dir, "entrypoint"), Steps: steps.New(t.Output())}
	if err := ociarchive.WriteFile(r.Base, imagetest.New(t, layer), "base"); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.Entrypoint, []byte("the entrypoint"), 0o755); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestRun(t *testing.T) {
	r := request(t, imagetest.Layer{"etc/os-release": "PRETTY_NAME=\"A system\"\n", "usr/local/bin/perch-entrypoint": "an earlier one", "bin/sh": "a shell"})
	found, err := Run(context.Background(), r)
	if err != nil || found.System != "A system" || len(found.Lacks) == 0 {
		t.Fatalf("%+v, %v", found, err)
	}
	baked, err := source.Open(context.Background(), r.Out)
	if err != nil {
		t.Fatal(err)
	}
	defer baked.Close()
	files := tar.NewReader(mutate.Extract(baked))
	seen := map[string]string{}
	for h, err := files.Next(); err == nil; h, err = files.Next() {
		var content bytes.Buffer
		if _, err := content.ReadFrom(files); err != nil {
			t.Fatal(err)
		}
		seen[h.Name] = content.String()
	}
	if len(seen) != 3 || seen["usr/local/bin/perch-entrypoint"] != "the entrypoint" || seen["etc/os-release"] == "" {
		t.Errorf("the image has %q", seen)
	}
	config, err := baked.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	manifest, err := baked.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{entrylayer.Contract, entrylayer.BaseDigest, entrylayer.Created} {
		if config.Config.Labels[name] == "" || manifest.Annotations[name] != config.Config.Labels[name] {
			t.Errorf("%s: label %q, annotation %q", name, config.Config.Labels[name], manifest.Annotations[name])
		}
	}
	first, err := os.ReadFile(r.Out)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Run(context.Background(), r); err != nil {
		t.Fatal(err)
	}
	if second, err := os.ReadFile(r.Out); err != nil || !bytes.Equal(first, second) {
		t.Errorf("baked twice it is not the same, %v", err)
	}
}

// What cannot be baked leaves what was there.
func TestRunOfBadInput(t *testing.T) {
	for name, c := range map[string]struct {
		spoil func(r *Request) error
		want  string
	}{
		"no entrypoint":                         {func(r *Request) error { return os.Remove(r.Entrypoint) }, "there is no perch-entrypoint at"},
		"no base":                               {func(r *Request) error { return os.Remove(r.Base) }, "looking for the image"},
		"no image":                              {func(r *Request) error { return os.WriteFile(r.Base, []byte("text"), 0o644) }, "is no image"},
		"half an image":                         {func(r *Request) error { return os.Truncate(r.Base, 4000) }, "base.tar: "},
		"a layer that is not what it is called": {func(r *Request) error { return changeLayer(r.Base) }, "is broken: sha256:"},
		"such a layer in a layout":              {func(r *Request) error { return changeLayout(t, r) }, "is broken: sha256:"},
		"a SIF":                                 {func(r *Request) error { r.Out += ".sif"; return nil }, "an OCI archive is made, and no SIF"},
		"no directory":                          {func(r *Request) error { r.Out = "/dev/null/x"; return nil }, "not a directory"},
	} {
		t.Run(name, func(t *testing.T) {
			r := request(t, imagetest.Layer{"file": strings.Repeat("content ", 1000), "bin/sh": "a shell"})
			if err := os.MkdirAll(filepath.Dir(r.Out), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(r.Out, []byte("earlier"), 0o644); err != nil {
				t.Fatal(err)
			}
			out := r.Out
			if err := c.spoil(&r); err != nil {
				t.Fatal(err)
			}
			_, err := Run(context.Background(), r)
			if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
				t.Errorf("got %v, want %q in one line", err, c.want)
			}
			entries, _ := os.ReadDir(filepath.Dir(out))
			if content, _ := os.ReadFile(out); string(content) != "earlier" || len(entries) != 1 {
				t.Errorf("the output is %q, beside it %v", content, entries)
			}
		})
	}
}

// changeLayer changes what gunzip does not look at, the system that a file says
// it is of.
func changeLayer(file string) error {
	content, err := os.ReadFile(file)
	if err != nil {
		return err
	}
	at := bytes.Index(content, []byte{0x1f, 0x8b, 8})
	if at < 0 {
		return errors.New("there is no layer in " + file)
	}
	content[at+9] ^= 1
	return os.WriteFile(file, content, 0o644)
}

// changeLayout makes a layout of the base, and changes a layer in it.
func changeLayout(t *testing.T, r *Request) error {
	dir := filepath.Join(t.TempDir(), "layout")
	at, err := layout.Write(dir, empty.Index)
	if err != nil {
		return err
	}
	image := imagetest.New(t, imagetest.Layer{"file": "content"})
	manifest, err := image.Manifest()
	if err != nil {
		return err
	}
	r.Base = dir
	return errors.Join(at.AppendImage(image), changeLayer(filepath.Join(dir, "blobs", "sha256", manifest.Layers[0].Digest.Hex)))
}
