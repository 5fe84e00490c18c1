package sockpath

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestListenAndDial(t *testing.T) {
	for name, length := range map[string]int{"short": 0, "exact": Max, "one too long": Max + 1, "very long": 400} {
		t.Run(name, func(t *testing.T) {
			path := pathOf(t, length)
			l, err := Listen(path)
			if err != nil {
				t.Fatal(err)
			}
			defer l.Close()
			if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("the socket: got %v, %v, want mode 600", info, err)
			}
			conn, err := Dial(path)
			if err != nil {
				t.Fatal(err)
			}
			conn.Close()
			if _, err := Listen(path); err == nil {
				t.Error("listening twice did not fail")
			}
		})
	}
}

// pathOf returns a path of the given length for a socket in a new directory.
func pathOf(t *testing.T, length int) string {
	t.Helper()
	short, err := os.MkdirTemp("", "s")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(short) })
	dir := short
	if length == 0 {
		return filepath.Join(dir, "sock")
	}
	for length-len(dir) > 60 {
		dir = filepath.Join(dir, strings.Repeat("d", 50))
	}
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, strings.Repeat("s", length-len(dir)-1))
}

func TestDescriptorsAreClosed(t *testing.T) {
	count := func() int {
		open, _ := os.ReadDir("/proc/self/fd")
		return len(open)
	}
	before := count()
	for range 10 {
		name, done, err := Shorten(pathOf(t, 300))
		if err != nil || len(name) > Max {
			t.Fatalf("got %q, %v", name, err)
		}
		done()
	}
	if _, _, err := Shorten("/tmp/" + strings.Repeat("x", 200)); err == nil {
		t.Error("a name that fits nowhere was taken")
	}
	if _, _, err := Shorten("/nonesuch/" + strings.Repeat("x", 200)); err == nil {
		t.Error("a directory that is not there was taken")
	}
	if after := count(); after != before {
		t.Errorf("%d descriptors are open, before it were %d", after, before)
	}
}
