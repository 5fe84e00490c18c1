package keep

import (
	"errors"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"perch/shim/internal/carrierssh"
	"perch/shim/internal/engine/enginetest"
	"perch/shim/internal/proxy"
	"perch/shim/internal/target"
)

func TestSecondKeep(t *testing.T) {
	k := running(t, nil)
	k.await(Standing)
	if err := New(k.Engine, k.target, k.Job(k.id), log.New(t.Output(), "second: ", 0)).Run(t.Context()); err != nil {
		t.Errorf("the second one: %v", err)
	}
	if !k.target.Standing() || len(k.Ways()) != 1 {
		t.Errorf("the second one changed something: ways %v", k.Ways())
	}
}

// TestFolderRemoved: without its lock and socket no shim finds the carrier.
func TestFolderRemoved(t *testing.T) {
	k := running(t, nil)
	k.await(Standing)
	if err := os.RemoveAll(k.target.Runtime); err != nil {
		t.Fatal(err)
	}
	k.awaitEnd()
}

// TestLockRemoved: the next keep starts while the first one still stands, which
// then leaves it what it has.
func TestLockRemoved(t *testing.T) {
	k := running(t, nil)
	k.await(Standing)
	first := k.done
	if err := os.Remove(filepath.Join(k.target.Runtime, target.KeepLock)); err != nil {
		t.Fatal(err)
	}
	k.keep()
	if err := <-first; err != nil {
		t.Errorf("the first one: %v", err)
	}
	if s := k.await(Standing); s.Job != k.id {
		t.Errorf("status %+v", s)
	}
	enginetest.Await(t, "the second one's carrier stands", k.target.Standing)
	if conn, err := proxy.Dial(t.Context(), k.target.Socket()); err == nil {
		conn.Close()
	} else {
		t.Errorf("nobody answers through it: %v", err)
	}
	k.Terminate(k.id, 0)
	k.awaitEnd()
}

// TestSweepsKilled: what a keep that was killed has left is removed by the next one.
func TestSweepsKilled(t *testing.T) {
	t.Parallel()
	k := submitted(t, nil)
	old := filepath.Join(k.target.Runtime, target.KeepPrefix+"1")
	session := filepath.Join(filepath.Dir(k.target.Runtime), ".condor_ssh_to_job_1")
	note := []byte("0\n" + session + "\n")
	if err := errors.Join(os.Mkdir(old, 0o700), os.Mkdir(session, 0o700), os.WriteFile(filepath.Join(old, carrierssh.NoteName), note, 0o600)); err != nil {
		t.Fatal(err)
	}
	k.Start(k.id)
	k.keep()
	k.await(Standing)
	for _, dir := range []string{old, session} {
		if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: %v", dir, err)
		}
	}
	k.Terminate(k.id, 0)
	k.awaitEnd()
}

// TestAskedToEnd: it has its lock until nothing of it is left, and the next one
// is not told to end.
func TestAskedToEnd(t *testing.T) {
	k := running(t, nil)
	k.await(Standing)
	k.target.EndKeep()
	k.awaitEnd()
	k.keep()
	k.await(Standing)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for end := time.Now().Add(3 * time.Second); time.Now().Before(end); <-tick.C {
		if !k.target.Standing() {
			t.Fatal("the second one ended, too")
		}
	}
	k.Terminate(k.id, 0)
	k.awaitEnd()
}

func TestLockCannotBeMade(t *testing.T) {
	t.Parallel()
	k := submitted(t, nil)
	if err := os.RemoveAll(k.target.Runtime); err != nil {
		t.Fatal(err)
	}
	err := New(k.Engine, k.target, k.Job(k.id), log.New(t.Output(), "", 0)).Run(t.Context())
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "locking keep.lock") {
		t.Errorf("error %v", err)
	}
}
