package cli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"testing"

	"perch/images"
	jdltemplates "perch/jdl-templates"
)

// What is generated is what the folders and the source of the templates say.
func TestCatalogIsCurrent(t *testing.T) {
	const repository = "../../.."
	folder, templates, gitlab := t.TempDir(), t.TempDir(), filepath.Join(t.TempDir(), "images.yml")
	if err := os.CopyFS(folder, os.DirFS(filepath.Join(repository, "images"))); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := Run(context.Background(), []string{"catalog", "--images", folder, "--templates", templates, "--gitlab", gitlab}, nil, nil, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	same(t, filepath.Join(folder, "catalog.json"), filepath.Join(repository, "images", "catalog.json"))
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
	if err := writeTemplates(templates, []images.Environment{{Name: "gone", Title: "Gone"}}); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"own.jdl", "Own_vscode.jdl"} {
		if err := os.WriteFile(filepath.Join(templates, name), []byte("queue\n"), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := writeTemplates(templates, nil); err != nil {
		t.Fatal(err)
	}
	if left, _ := os.ReadDir(templates); len(left) != 2 || left[0].Name() != "Own_vscode.jdl" || left[1].Name() != "own.jdl" {
		t.Errorf("left are %v", left)
	}
}

// Other folders of environments than the repository's have nothing to do with its
// templates.
func TestCatalogOfOtherFolders(t *testing.T) {
	site := filepath.Join(t.TempDir(), "images")
	if err := os.CopyFS(filepath.Join(site, "own"), os.DirFS("../../../images/minimal")); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := Run(context.Background(), []string{"catalog", "--images", site}, nil, nil, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	if made, _ := filepath.Glob(filepath.Join(site, "../*")); len(made) != 1 {
		t.Errorf("there is %q", made)
	}
	templates := filepath.Join(site, "../jdl-templates")
	if err := os.Mkdir(templates, 0o755); err != nil {
		t.Fatal(err)
	}
	if code := Run(context.Background(), []string{"catalog", "--images", site}, nil, nil, &stderr); code != 0 {
		t.Fatal(stderr.String())
	}
	if made, _ := os.ReadDir(templates); len(made) != len(jdltemplates.Kinds) {
		t.Errorf("the templates are %v", made)
	}
}
