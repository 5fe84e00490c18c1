package clients

import (
	"bytes"
	"crypto/sha256"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func dashed(name string) string { return strings.ReplaceAll(name, " ", "-") }

// same holds a file's content to what it should be.
func same(t *testing.T, where, path string, content []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	if !bytes.Equal(got, content) {
		t.Errorf("%s: %d bytes with SHA-256 %x; sent were %d with %x", where, len(got), sha256.Sum256(got),
			len(content), sha256.Sum256(content))
	}
}

func kept(t *testing.T, where, path string, mode fs.FileMode, changed time.Time) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	if info.Mode() != mode || !info.ModTime().Equal(changed) {
		t.Errorf("%s: mode %v and time %v; want %v and %v", where, info.Mode(), info.ModTime().UTC(), mode, changed)
	}
}

// sow makes a tree of so many small files, and returns them by their paths.
func sow(t *testing.T, dir string, number int) map[string]string {
	t.Helper()
	files := map[string]string{}
	for i := range number {
		path := fmt.Sprintf("%02d/%05d", i%20, i)
		files[path] = strings.Repeat(path, i%9)
		full := filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(full), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(files[path]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return files
}

// sameTree holds a tree to what was sown. What git keeps for itself is no part
// of it.
func sameTree(t *testing.T, where, dir string, sown map[string]string) {
	t.Helper()
	found := map[string]string{}
	err := fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(filepath.Join(dir, path))
		found[path] = string(content)
		return err
	})
	if err != nil {
		t.Fatalf("%s: %v", where, err)
	}
	if !maps.Equal(found, sown) {
		lost := slices.DeleteFunc(slices.Sorted(maps.Keys(sown)), func(path string) bool { return found[path] == sown[path] && found[path] != "" })
		t.Errorf("%s: %d files, want %d; other than sown are %.200q", where, len(found), len(sown), lost)
	}
}
