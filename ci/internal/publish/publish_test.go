package publish

import (
	"os"
	"path/filepath"
	"testing"
)

// write makes a file, and the directories above it.
func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
		t.Fatal(err)
	}
}

func want(t *testing.T, path, content string) {
	t.Helper()
	got, err := os.ReadFile(path)
	if string(got) != content || err != nil {
		t.Errorf("%s: got %q, %v; want %q", path, got, err, content)
	}
}

func TestReplaceFile(t *testing.T) {
	dir := t.TempDir()
	for _, content := range []string{"one", "two"} {
		write(t, filepath.Join(dir, "new"), content)
		if err := Replace(filepath.Join(dir, "new"), filepath.Join(dir, "file")); err != nil {
			t.Fatal(err)
		}
		want(t, filepath.Join(dir, "file"), content)
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("left behind: %v", entries)
	}
}

// A directory that is replaced stays usable for who is in it, once.
func TestReplaceDirectory(t *testing.T) {
	dir := t.TempDir()
	tree := filepath.Join(dir, "tree")
	for _, content := range []string{"one", "two", "three"} {
		write(t, filepath.Join(dir, "new", "file"), content)
		if err := Replace(filepath.Join(dir, "new"), tree); err != nil {
			t.Fatal(err)
		}
		want(t, filepath.Join(tree, "file"), content)
	}
	want(t, filepath.Join(dir, ".tree.previous", "file"), "two")
	if entries, _ := os.ReadDir(dir); len(entries) != 2 {
		t.Errorf("left behind: %v", entries)
	}
}

func TestReplaceWithNothing(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "tree", "file"), "old")
	if err := Replace(filepath.Join(dir, "gone"), filepath.Join(dir, "tree")); err == nil {
		t.Error("no error")
	}
	want(t, filepath.Join(dir, "tree", "file"), "old")
}

func TestRemoveTree(t *testing.T) {
	tree := filepath.Join(t.TempDir(), "tree")
	write(t, filepath.Join(tree, "a", "b", "file"), "")
	for _, d := range []string{"a/b", "a", "."} {
		if err := os.Chmod(filepath.Join(tree, d), 0o500); err != nil {
			t.Fatal(err)
		}
	}
	if err := RemoveTree(tree); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(tree); err == nil {
		t.Error("it is still there")
	}
	if err := RemoveTree(tree); err != nil {
		t.Errorf("a tree that is not there: %v", err)
	}
}
