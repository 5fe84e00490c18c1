package publish

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
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
func TestReplaceDirectory(t *testing.T) { replaceDirectory(t, t.TempDir()) }

// The same where two names cannot be exchanged.
func TestReplaceDirectoryByTwoRenames(t *testing.T) {
	dir := onSSHFS(t)
	for _, name := range []string{"a", "b"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	err := unix.Renameat2(unix.AT_FDCWD, filepath.Join(dir, "a"), unix.AT_FDCWD, filepath.Join(dir, "b"), unix.RENAME_EXCHANGE)
	if err == nil {
		t.Fatal("sshfs can exchange two names, so this tests nothing; take another file system")
	}
	if err := errors.Join(os.Remove(filepath.Join(dir, "a")), os.Remove(filepath.Join(dir, "b"))); err != nil {
		t.Fatal(err)
	}
	replaceDirectory(t, dir)
}

// What cannot take a directory's name leaves it to the directory.
func TestReplaceByTwoRenamesFails(t *testing.T) {
	dir := t.TempDir()
	tree, previous := filepath.Join(dir, "tree"), filepath.Join(dir, ".tree.previous")
	write(t, filepath.Join(tree, "file"), "old")
	if err := replaceByTwo(filepath.Join(dir, "gone"), tree, previous); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("got %v", err)
	}
	want(t, filepath.Join(tree, "file"), "old")
}

// What was kept of an earlier time and cannot be removed, since something is mounted
// in it, keeps all as it is.
func TestReplaceBesideWhatStays(t *testing.T) {
	busy, dir := filepath.Dir(onSSHFS(t)), t.TempDir()
	previous := filepath.Join(dir, ".tree.previous")
	if err := os.Rename(busy, previous); err != nil {
		t.Fatal(err)
	}
	defer os.Rename(previous, busy)
	made, tree := filepath.Join(dir, "new"), filepath.Join(dir, "tree")
	write(t, filepath.Join(made, "file"), "new")
	write(t, filepath.Join(tree, "file"), "old")
	if err := Replace(made, tree); err == nil {
		t.Error("no error")
	}
	want(t, filepath.Join(tree, "file"), "old")
	want(t, filepath.Join(made, "file"), "new")
}

func replaceDirectory(t *testing.T, dir string) {
	t.Helper()
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

// onSSHFS returns an empty directory on sshfs, which no sshd has to serve.
func onSSHFS(t *testing.T) string {
	t.Helper()
	if testing.Short() && os.Getenv("CI") == "" {
		t.Skip("short tests mount nothing; make test does")
	}
	dir := t.TempDir()
	far, mnt, server := filepath.Join(dir, "far"), filepath.Join(dir, "mnt"), filepath.Join(dir, "server")
	write(t, server, "#!/bin/sh\nexec /usr/lib/openssh/sftp-server\n")
	if err := errors.Join(os.Chmod(server, 0o755), os.Mkdir(far, 0o755), os.Mkdir(mnt, 0o755)); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("sshfs", "-o", "ssh_command="+server, "host:"+far, mnt).CombinedOutput(); err != nil {
		t.Fatalf("sshfs: %v: %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("fusermount3", "-u", mnt).CombinedOutput(); err != nil {
			t.Errorf("fusermount3: %v: %s", err, out)
		}
	})
	return mnt
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
