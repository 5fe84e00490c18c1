package images

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"perch/tests/session"
)

// TestSame: two builds from nothing of the same packages make the same image, with
// bases that mmdebstrap makes on different days. If it differs from the one that
// other tests use, which may be of an older mirror, two made now are compared.
func TestSame(t *testing.T) {
	t.Parallel()
	for name, of := range every() {
		if name != "minimal" && os.Getenv("PERCH_TEST_IMAGES") == "" {
			continue // they take minutes, and are made in the same way
		}
		t.Run(name, func(t *testing.T) {
			i := of(t)
			t.Parallel()
			kept := digest(t, i.archive)
			first := digest(t, fromNothing(t, i, 100))
			if first == kept {
				return
			}
			t.Logf("%s is %s, and now %s", i.name, kept, first)
			if second := digest(t, fromNothing(t, i, 200)); second != first {
				t.Errorf("two builds from nothing are %s and %s", first, second)
			}
		})
	}
}

// fromNothing builds an image with an empty cache, and its base too, as if that
// were made so many days ago.
func fromNothing(t *testing.T, i image, days int) (archive string) {
	t.Helper()
	dir := t.TempDir()
	names := []string{i.name}
	if i.images == rpm {
		names = []string{"rpm-base", i.name}
	}
	cmd := exec.Command(session.Program("perch-ci"), append([]string{"build", "--images", i.images, "-o", dir}, names...)...)
	cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"), "PATH="+daysAgo(t, days)+":"+os.Getenv("PATH"))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%q: %v\n%s", cmd.Args, err, out)
	}
	return filepath.Join(dir, i.name+".tar")
}

// daysAgo is a directory with an mmdebstrap for whose accounts it is an earlier
// day.
func daysAgo(t *testing.T, days int) string {
	t.Helper()
	real, err := exec.LookPath("mmdebstrap")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	script := fmt.Sprintf("#!/bin/sh\nSOURCE_DATE_EPOCH=%d exec %s \"$@\"\n", time.Now().AddDate(0, 0, -days).Unix(), real)
	if err := os.WriteFile(filepath.Join(dir, "mmdebstrap"), []byte(script), 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

func digest(t *testing.T, archive string) string {
	t.Helper()
	d, err := only(t, unpacked(t, archive)).Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d.String()
}
