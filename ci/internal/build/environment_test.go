package build

import (
	"strings"
	"testing"
)

func TestDefaultBase(t *testing.T) {
	for _, c := range []struct{ name, file, want, err string }{
		{"plain", "# text\nARG BASE=reg.test/debian:12\nFROM ${BASE}\n", "reg.test/debian:12", ""},
		{"quoted, lower case, indented", "  arg BASE=\"reg.test/x\"\n", "reg.test/x", ""},
		{"other arguments first", "ARG DATABASE=no\nARG VERSION\nARG BASE=yes\n", "yes", ""},
		{"without a value", "ARG BASE\nFROM ${BASE}\n", "", `no line "ARG BASE=…"`},
		{"empty value", "ARG BASE=\n", "", `no line "ARG BASE=…"`},
		{"commented out", "# ARG BASE=x\n", "", `no line "ARG BASE=…"`},
		{"a line without end", strings.Repeat("x", 1<<20), "", "token too long"},
	} {
		got, err := defaultBase(strings.NewReader(c.file))
		if got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %q, %v; want %q, %q", c.name, got, err, c.want, c.err)
		}
	}
}

// Every environment of the repository can be built without a registry or says
// that it cannot, and takes its base as an argument.
func TestEnvironmentsOfTheRepository(t *testing.T) {
	const images = "../../../images"
	names, err := list(images)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if e, err := find(images, name); err != nil || e.base == "" {
			t.Errorf("%s: base %q, %v", name, e.base, err)
		}
	}
}

func FuzzDefaultBase(f *testing.F) {
	f.Add("ARG BASE=docker.io/library/debian:12\n")
	f.Add("ARG BASE='\nARG BASE=\"\"\n")
	f.Fuzz(func(t *testing.T, file string) {
		base, err := defaultBase(strings.NewReader(file))
		if (err == nil) == (base == "") {
			t.Errorf("base %q and error %v", base, err)
		}
		if strings.ContainsAny(base, " \t\n") {
			t.Errorf("base %q holds blanks", base)
		}
	})
}
