package base

import (
	"bytes"
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/gofrs/flock"

	"perch/ci/internal/steps"
)

// holding is a storage that has every image.
type holding struct{ Storage }

func (holding) ID(context.Context, string) (string, error) { return "id", nil }

// An environment may be called as its base's suite is: who builds it has that
// name's lock already.
func TestBaseOfAnEnvironmentCalledAsTheSuite(t *testing.T) {
	var said bytes.Buffer
	m := Maker{Storage: holding{}, Log: &said, Steps: steps.New(&said), Cache: t.TempDir()}
	hold(t, filepath.Join(m.Cache, "bookworm.lock"))
	if got, err := m.Get(t.Context(), Mmdebstrap, "", "bookworm"); got != made+"bookworm" || err != nil || said.Len() > 0 {
		t.Errorf("got %q, %v; it says %q", got, err, said.String())
	}
}

// Who waits for another's base is told so.
func TestBaseThatAnotherMakes(t *testing.T) {
	var said bytes.Buffer
	m := Maker{Storage: holding{}, Log: &said, Steps: steps.New(&said), Cache: t.TempDir()}
	hold(t, filepath.Join(m.Cache, ".bookworm.base.lock"))
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	_, err := m.Get(ctx, Mmdebstrap, "", "bookworm")
	if err == nil || !strings.Contains(said.String(), "another build makes the base of Debian bookworm: waiting for it\n") {
		t.Errorf("%v; it says %q", err, said.String())
	}
}

// hold locks a file for the time of the test.
func hold(t *testing.T, file string) {
	t.Helper()
	lock := flock.New(file)
	if locked, err := lock.TryLock(); !locked || err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lock.Unlock() })
}
