package environment

import (
	"strings"
	"testing"
)

func TestRead(t *testing.T) {
	for _, c := range []struct{ name, file, want, err string }{
		{"plain", "# text\nARG BASE=reg.test/debian:12\nFROM ${BASE}\n", "reg.test/debian:12", ""},
		{"quoted, lower case, indented", "  arg BASE=\"reg.test/x\"\n", "reg.test/x", ""},
		{"other arguments first", "ARG DATABASE=no\nARG VERSION\nARG BASE=yes\n", "yes", ""},
		{"without a value", "ARG BASE\nFROM ${BASE}\n", "", `no line "ARG BASE=…"`},
		{"empty value", "ARG BASE=\n", "", `no line "ARG BASE=…"`},
		{"commented out", "# ARG BASE=x\n", "", `no line "ARG BASE=…"`},
		{"a line without end", strings.Repeat("x", 1<<20), "", "token too long"},
	} {
		var e Environment
		err := e.read(strings.NewReader(c.file))
		if got := e.Base; got != c.want || (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: got %q, %v; want %q, %q", c.name, e.Base, err, c.want, c.err)
		}
	}
}

// Every environment of the repository can be built without a registry or says
// that it cannot, and takes its base as an argument.
func TestEnvironmentsOfTheRepository(t *testing.T) {
	const images = "../../../images"
	names, err := List(images)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		if e, err := Find(images, name); err != nil || e.Base == "" || e.Title == name {
			t.Errorf("%s: base %q, title %q, %v", name, e.Base, e.Title, err)
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add("ARG BASE=docker.io/library/debian:12\n")
	f.Add("ARG BASE='\nARG BASE=\"\"\n")
	f.Fuzz(func(t *testing.T, file string) {
		var e Environment
		err := e.read(strings.NewReader(file))
		base := e.Base
		if err == nil && base == "" {
			t.Errorf("base %q and error %v", base, err)
		}
		if strings.ContainsAny(base, " \t\n") {
			t.Errorf("base %q holds blanks", base)
		}
	})
}

func TestDebianSuite(t *testing.T) {
	for image, want := range map[string]string{
		"docker.io/library/debian:bookworm":                                 "bookworm",
		"mirror.example.org/hub/debian:trixie":                              "trixie",
		"docker.io/library/debian:12":                                       "",
		"docker.io/library/debian:trixie-slim":                              "",
		"docker.io/library/debian:latest":                                   "",
		"docker.io/library/debian:trixie@sha256:" + strings.Repeat("0", 64): "",
		"docker.io/library/ubuntu:24.04":                                    "",
		"docker.io/rockylinux/rockylinux:9":                                 "",
		"debian":                                                            "",
		"registry.example.org:5000/x":                                       "",
	} {
		if got := debianSuite(image); got != want {
			t.Errorf("%s: %q, want %q", image, got, want)
		}
	}
}
