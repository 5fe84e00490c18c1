package build

import (
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

func TestPublicAddress(t *testing.T) {
	for remote, want := range map[string]string{
		"https://git.example.org/perch.git":            "https://git.example.org/perch.git",
		"https://bot:secret@git.example.org/perch.git": "https://git.example.org/perch.git",
		"git@git.example.org:perch.git":                "",
		"/home/alice/perch":                            "",
		"":                                             "",
		"https://[bad":                                 "",
	} {
		if got := publicAddress(remote); got != want {
			t.Errorf("%q: %q, want %q", remote, got, want)
		}
	}
}

func TestOrigin(t *testing.T) {
	dir := t.TempDir()
	images := filepath.Join(dir, "images")
	git := func(args ...string) {
		t.Helper()
		cmd := exec.Command("git", append([]string{"-C", dir, "-c", "user.name=a", "-c", "user.email=a@example.org"}, args...)...)
		cmd.Env = append(os.Environ(), "GIT_COMMITTER_DATE=2026-01-02T03:04:05Z")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("git %q: %v\n%s", args, err, out)
		}
	}
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(images, "file"), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(images, 0o755); err != nil {
		t.Fatal(err)
	}
	write("one")
	nothing := provenance{created: time.Unix(0, 0).UTC()}
	if got := origin(context.Background(), images); got != nothing {
		t.Errorf("outside of a repository: %+v", got)
	}
	git("init", "-q")
	git("remote", "add", "origin", "https://bot:secret@git.example.org/perch.git")
	git("add", ".")
	git("commit", "-qm", "one")
	got := origin(context.Background(), images)
	if len(got.revision) != 40 || got.source != "https://git.example.org/perch.git" || !got.created.Equal(time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)) {
		t.Errorf("of a commit: %+v", got)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "86400")
	if got := origin(context.Background(), images); !got.created.Equal(time.Unix(86400, 0)) {
		t.Errorf("with SOURCE_DATE_EPOCH: %+v", got)
	}
	t.Setenv("SOURCE_DATE_EPOCH", "")
	write("two")
	if got := origin(context.Background(), images); got != nothing {
		t.Errorf("with changes: %+v", got)
	}
}
