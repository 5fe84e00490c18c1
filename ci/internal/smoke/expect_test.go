package smoke

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/ci/internal/environment"
)

const repository = "../../../images"

// What the environments of the repository say of themselves can be understood.
func TestEnvironmentsExpect(t *testing.T) {
	names, err := environment.List(repository)
	if err != nil {
		t.Fatal(err)
	}
	all, err := Expect(repository, "", Names())
	if err != nil || len(all.Tools) < 10 {
		t.Fatalf("of all: %v, %v", all, err)
	}
	for _, name := range names {
		e, err := Expect(repository, name, Names())
		if err != nil || e.Glibc == "" || e.Size == 0 {
			t.Errorf("%s: %+v, %v; want a C library and a size", name, e, err)
		}
	}
}

func TestExpect(t *testing.T) {
	images := t.TempDir()
	write := func(name, content string) {
		t.Helper()
		file := filepath.Join(images, name, File)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("shared", "tools: {git: git --version, gdb: gdb --version}\n")
	write("good", "glibc: \"2.36\"\ntools: {root: root-config}\nlacks: [{tools: [gdb], reason: small}]\nlimits: {size: huge}\n")
	got, err := Expect(images, "good", []string{"size"})
	if err != nil || got.Glibc != "2.36" || len(got.Tools) != 2 || got.Tools["gdb"] != "" || got.Tools["root"] == "" || got.Limits["size"] != "huge" {
		t.Errorf("got %+v, %v", got, err)
	}
	for content, want := range map[string]string{
		"lacks: [{tools: [gcc], reason: small}]": `lacks "gcc"`,
		"lacks: [{tools: [gdb]}]":                "has no reason",
		"limits: {sizes: huge}":                  `a limit of "sizes", which is no check`,
		"limits: {size: \"\"}":                   "has no reason",
		"glibcs: none":                           "field glibcs not found",
		"[":                                      "reading " + filepath.Join(images, "bad", File),
	} {
		write("bad", content)
		if _, err := Expect(images, "bad", []string{"size"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", content, err, want)
		}
	}
}

func TestJudge(t *testing.T) {
	for _, c := range []struct {
		err   error
		limit string
		want  string
	}{
		{nil, "", "ok detail"},
		{os.ErrNotExist, "", "FAIL file does not exist"},
		{os.ErrNotExist, "known", "limit known"},
		{nil, "known", "FAIL it passes; take the limit out of smoke.yaml"},
		{notTried{"no server"}, "", "skip no server"},
	} {
		r := judge("check", "detail", c.err, c.limit)
		if got := string(r.Status) + " " + r.Detail; got != c.want {
			t.Errorf("%v, %q: got %q, want %q", c.err, c.limit, got, c.want)
		}
	}
}
