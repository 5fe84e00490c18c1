package build

import (
	"bytes"
	"context"
	"os"
	"testing"

	"perch/ci/internal/steps"
)

// TestLockOut: builds into one directory wait for each other, and nothing of it is
// left there.
func TestLockOut(t *testing.T) {
	var said bytes.Buffer
	s, out := steps.New(&said), t.TempDir()
	first, err := lockOut(t.Context(), out, s)
	if err != nil || said.Len() > 0 {
		t.Fatalf("the first: %v, said %q", err, &said)
	}
	ended, end := context.WithCancel(t.Context())
	end()
	if _, err := lockOut(ended, out, s); err == nil || said.String() != "perch-ci: another build writes into "+out+": waiting for it\n" {
		t.Errorf("a second that is told to end: %v, said %q", err, &said)
	}
	if err := first.Unlock(); err != nil {
		t.Fatal(err)
	}
	second, err := lockOut(t.Context(), out, s)
	if err != nil {
		t.Fatal(err)
	}
	if err := second.Unlock(); err != nil {
		t.Fatal(err)
	}
	if left, err := os.ReadDir(out); len(left) > 0 || err != nil {
		t.Errorf("there is %v, %v", left, err)
	}
}
