package smoke

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestOwnedOutside: where the scratch directory cannot be seen, as that of a real
// job, nothing of this machine is taken for it.
func TestOwnedOutside(t *testing.T) {
	scratch := t.TempDir()
	t.Chdir(scratch)
	if err := ownedOutside(scratch, os.Getuid()); err == nil || !strings.Contains(err.Error(), "is not seen from outside") {
		t.Errorf("of no file: %v", err)
	}
	if err := os.WriteFile(filepath.Join(scratch, "owned"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		scratch string
		uid     int
		says    string
	}{{"", os.Getuid() + 1, ""}, {scratch, os.Getuid(), ""}, {scratch, os.Getuid() + 1, "is, seen from outside, of uid"}} {
		err := ownedOutside(c.scratch, c.uid)
		if (err == nil) != (c.says == "") || err != nil && !strings.Contains(err.Error(), c.says) {
			t.Errorf("in %q, of uid %d: %v", c.scratch, c.uid, err)
		}
	}
}
