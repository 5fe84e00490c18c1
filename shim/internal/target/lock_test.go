package target

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// hold is another process that takes a target's lock, and has it until it is
// killed.
func hold(dir string) {
	_, err := Target{State: dir}.Lock(context.Background(), func(string) {})
	fmt.Println("held", err)
	time.Sleep(time.Hour)
}

// TestLockOfAnotherProcess: it is named, waited for, and free once that process
// was killed.
func TestLockOfAnotherProcess(t *testing.T) {
	tg := Target{State: t.TempDir()}
	other := exec.Command(os.Args[0])
	other.Env = append(os.Environ(), "PERCH_TEST_HOLD="+tg.State)
	out, err := other.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Start(); err != nil {
		t.Fatal(err)
	}
	defer other.Wait()
	defer other.Process.Kill()
	if line, err := bufio.NewReader(out).ReadString('\n'); line != "held <nil>\n" {
		t.Fatalf("the other process says %q, %v", line, err)
	}
	var named []string
	release, err := tg.Lock(t.Context(), func(holder string) {
		named = append(named, holder)
		other.Process.Kill()
	})
	if err != nil {
		t.Fatal(err)
	}
	release()
	host, _ := os.Hostname()
	want := fmt.Sprintf("perch (process %d on %s)", other.Process.Pid, host)
	if len(named) != 1 || named[0] != want {
		t.Errorf("the holder is named %q, want %q once", named, want)
	}
}

// TestLockInTurn: many at once have the lock one after another.
func TestLockInTurn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := Target{State: t.TempDir()}
		var inside, total atomic.Int32
		done := make(chan error)
		for range 10 {
			go func() {
				release, err := tg.Lock(t.Context(), func(string) {})
				if err == nil {
					if inside.Add(1) != 1 {
						err = errors.New("two have the lock")
					}
					time.Sleep(time.Second)
					inside.Add(-1)
					total.Add(1)
					release()
				}
				done <- err
			}()
		}
		for range 10 {
			if err := <-done; err != nil {
				t.Error(err)
			}
		}
		if n := total.Load(); n != 10 {
			t.Errorf("%d had the lock", n)
		}
	})
}

// taken takes a target's lock and writes note into it, as another would.
func taken(t *testing.T, note string) Target {
	t.Helper()
	tg := Target{State: t.TempDir()}
	release, err := tg.Lock(t.Context(), func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(release)
	if err := os.WriteFile(filepath.Join(tg.State, LockName), []byte(note), 0o600); err != nil {
		t.Fatal(err)
	}
	return tg
}

// TestLockOfAnotherHost is not waited for blindly: that host may be gone, and
// the file system may hold its lock for ever.
func TestLockOfAnotherHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		tg := taken(t, "elsewhere.example.org 77\n")
		start := time.Now()
		_, err := tg.Lock(t.Context(), func(string) {})
		if err == nil || !strings.Contains(err.Error(), "perch (process 77 on elsewhere.example.org) still holds "+tg.State) {
			t.Errorf("error %v", err)
		}
		if waited := time.Since(start); waited != foreignWait {
			t.Errorf("waited %v, want %v", waited, foreignWait)
		}
	})
}

func TestLockGivenUp(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, note := range []string{"", "elsewhere.example.org 77\n", strings.Repeat("x", 600), "\x00\x1b[2J"} {
			tg := taken(t, note)
			cause := errors.New("time is up")
			ctx, cancel := context.WithTimeoutCause(t.Context(), 10*time.Second, cause)
			_, err := tg.Lock(ctx, func(string) {})
			cancel()
			if !errors.Is(err, cause) || !strings.Contains(err.Error(), "waiting for") {
				t.Errorf("note %q: error %v, want one that says %v", note, err, cause)
			}
		}
	})
}

func TestLockWithoutFolder(t *testing.T) {
	tg := Target{State: filepath.Join(t.TempDir(), "gone")}
	if _, err := tg.Lock(t.Context(), func(string) {}); err == nil || !strings.Contains(err.Error(), "locking "+tg.State) {
		t.Errorf("error %v", err)
	}
}

func TestHolder(t *testing.T) {
	path := filepath.Join(t.TempDir(), LockName)
	for note, want := range map[string]string{
		"":                       "another perch",
		"host 12\n":              "perch (process 12 on host)",
		"host":                   "perch (process  on host)",
		strings.Repeat("h", 513): "another perch",
	} {
		if err := os.WriteFile(path, []byte(note), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := readHolder(path).String(); got != want {
			t.Errorf("note %q: got %q, want %q", note, got, want)
		}
	}
}
