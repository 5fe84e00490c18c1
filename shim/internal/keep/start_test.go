package keep

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"perch/shim/internal/engine"
	"perch/shim/internal/engine/enginetest"
	"perch/shim/internal/target"
)

// tell writes, into its log, what a program sees that Start has started.
func tell() {
	sid, _ := unix.Getsid(0)
	dir, _ := os.Getwd()
	var open []string
	for fd := range 100 {
		// What the runtime has opened itself is closed at exec.
		flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFD, 0)
		if err == nil && flags&unix.FD_CLOEXEC == 0 {
			open = append(open, fmt.Sprint(fd))
		}
	}
	in, _ := os.Readlink("/proc/self/fd/0")
	fmt.Printf("args %q\nleader %v\ndir %s\nopen %s\nstdin %s\nend\n",
		os.Args[1:], sid == os.Getpid(), dir, strings.Join(open, " "), in)
}

// TestStart: nothing of the caller's is in keep's hands, neither its terminal
// nor its directory nor a pipe that an IDE waits on.
func TestStart(t *testing.T) {
	tg := newTarget(t)
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	defer w.Close()
	// As another program would have passed it on.
	if _, err := unix.FcntlInt(w.Fd(), unix.F_SETFD, 0); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := Start(self, tg, engine.Job{ID: "12.0"}); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(tg.State, target.KeepLog)
	enginetest.Await(t, "keep has told", func() bool {
		said, err := os.ReadFile(path)
		return err == nil && strings.HasSuffix(string(said), "end\n")
	})
	said, _ := os.ReadFile(path)
	want := fmt.Sprintf("args [\"keep\" %q \"12.0\"]\nleader true\ndir /\nopen 0 1 2\nstdin /dev/null\nend\n", tg.JDL)
	if string(said) != want {
		t.Errorf("got\n%swant\n%s", said, want)
	}
}

func TestStartRefuses(t *testing.T) {
	tg := newTarget(t)
	if err := Start("/no/such/perch", tg, engine.Job{ID: "1.0"}); err == nil || !strings.Contains(err.Error(), "starting perch keep") {
		t.Errorf("a missing program: %v", err)
	}
	// A link in the log's place would have keep write elsewhere.
	path := filepath.Join(tg.State, target.KeepLog)
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("elsewhere", path); err != nil {
		t.Fatal(err)
	}
	if err := Start("/bin/true", tg, engine.Job{ID: "1.0"}); err == nil || !strings.Contains(err.Error(), "opening keep's log") {
		t.Errorf("a link: %v", err)
	}
}

// TestBrokenStatus: half a status, or anything else, is none.
func TestBrokenStatus(t *testing.T) {
	tg := newTarget(t)
	for _, text := range []string{"", "{", "[]", `{"job": 1}`, "\x00"} {
		if err := os.WriteFile(filepath.Join(tg.Runtime, target.CarrierStatus), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := ReadStatus(tg); got != (Status{}) {
			t.Errorf("%q is read as %+v", text, got)
		}
	}
}
