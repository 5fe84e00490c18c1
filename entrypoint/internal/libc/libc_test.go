package libc

import (
	"os"
	"path/filepath"
	"testing"
)

func put(t *testing.T, content string, elem ...string) {
	t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLibc(t *testing.T) {
	const version = "\x00GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\n\x00"
	for _, test := range []struct{ name, file, content, want string }{
		{"Debian", "lib/x86_64-linux-gnu/libc.so.6", version, "glibc 2.36"},
		{"Fedora", "lib64/libc.so.6", version, "glibc 2.36"},
		{"no version in it", "lib64/libc.so.6", "x", "glibc"},
		{"Alpine", "lib/ld-musl-x86_64.so.1", "", "musl"},
		{"nothing", "etc/passwd", "", ""},
	} {
		root := t.TempDir()
		put(t, test.content, root, test.file)
		if got := Name(root); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTooOld(t *testing.T) {
	for libc, want := range map[string]bool{"glibc 2.17": true, "glibc 2.27": true, "glibc 2.28": false, "glibc 2.41": false, "glibc 3.0": false, "glibc": false, "musl": false, "": false} {
		if got := TooOld(libc); got != want {
			t.Errorf("TooOld(%q): got %v", libc, got)
		}
	}
}
