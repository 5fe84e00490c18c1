package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"
)

// What is generated is what the folders and the source of the templates say.
func TestCatalogIsCurrent(t *testing.T) {
	const repository = "../../.."
	images, templates, gitlab := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "images.yml")
	if err := os.CopyFS(images, os.DirFS(filepath.Join(repository, "images"))); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := Run(context.Background(), []string{"catalog", "--images", images, "--templates", templates, "--gitlab", gitlab}, nil, nil, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	same(t, filepath.Join(images, "catalog.json"), filepath.Join(repository, "images", "catalog.json"))
	same(t, gitlab, filepath.Join(repository, "ci/gitlab/images.yml"))
	made, err := filepath.Glob(filepath.Join(templates, "*.jdl"))
	if err != nil {
		t.Fatal(err)
	}
	there, err := filepath.Glob(filepath.Join(repository, "jdl-templates", "*.jdl"))
	if err != nil || len(there) != len(made) {
		t.Errorf("there are %d templates, and %d are made, %v; run make generate", len(there), len(made), err)
	}
	for _, file := range made {
		same(t, file, filepath.Join(repository, "jdl-templates", filepath.Base(file)))
	}
}

func same(t *testing.T, made, there string) {
	t.Helper()
	want, err := os.ReadFile(made)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := os.ReadFile(there); err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s is not what is made now, %v; run make generate", there, err)
	}
}

// A template of an environment that is gone goes with it.
func TestCatalogRemovesTemplates(t *testing.T) {
	templates := t.TempDir()
	for _, name := range []string{"Gone_vscode.jdl", "Gone_vscode_gpu.jdl", "own.jdl"} {
		if err := os.WriteFile(filepath.Join(templates, name), nil, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeTemplates(templates, nil); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(templates); len(left) != 1 || left[0].Name() != "own.jdl" {
		t.Errorf("left are %v", left)
	}
}
