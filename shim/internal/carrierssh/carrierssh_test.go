package carrierssh

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// TestMain lets the tests start this program as perch-ssh --carrier.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == Flag {
		fmt.Fprintln(os.Stderr, Become(os.Args[2:]))
		os.Exit(1)
	}
	os.Exit(m.Run())
}

func TestNoteParse(t *testing.T) {
	for _, c := range []struct {
		name, text string
		want       note
	}{
		{"whole", "12\n/tmp/alice.condor_ssh_to_job_1f\n", note{12, "/tmp/alice.condor_ssh_to_job_1f"}},
		{"no directory", "12\n\n", note{pid: 12}},
		{"half written", "12", note{pid: 12}},
		{"empty", "", note{}},
		{"no number", "x\n/tmp/d\n", note{dir: "/tmp/d"}},
		{"negative: a whole process group", "-1\n/tmp/d\n", note{dir: "/tmp/d"}},
		{"too large", "99999999999999999999\n/d\n", note{dir: "/d"}},
		{"binary", "\x00\xff\n\x00", note{dir: "\x00"}},
	} {
		path := filepath.Join(t.TempDir(), NoteName)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got := read(path); got != c.want {
			t.Errorf("%s: got %+v, want %+v", c.name, got, c.want)
		}
	}
	if got := read(filepath.Join(t.TempDir(), "none")); got != (note{}) {
		t.Errorf("no note is read as %+v", got)
	}
}

func FuzzNote(f *testing.F) {
	f.Add([]byte("12\n/tmp/alice.condor_ssh_to_job_1f\n"))
	f.Add([]byte("-1\n\n\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		n := parse(data)
		if n.pid < 0 {
			t.Fatalf("%q names process %d", data, n.pid)
		}
		if strings.TrimSpace(n.dir) == n.dir && parse(n.bytes()) != n {
			t.Errorf("%+v is written and read as %+v", n, parse(n.bytes()))
		}
	})
}

func TestSessionDir(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"-oUser=alice", "-oIdentityFile=/tmp/alice.condor_ssh_to_job_1/ssh_key", "host"}, "/tmp/alice.condor_ssh_to_job_1"},
		{[]string{`-oIdentityFile="/tmp/a b.condor_ssh_to_job_1/ssh_key"`}, "/tmp/a b.condor_ssh_to_job_1"},
		{[]string{"-N", "host"}, ""},
		{nil, ""},
	} {
		if got := sessionDir(c.args); got != c.want {
			t.Errorf("%q: got %q, want %q", c.args, got, c.want)
		}
	}
}

// TestSweepRemoves a directory of condor_ssh_to_job's, and nothing else, whatever
// the note says.
func TestSweepRemoves(t *testing.T) {
	for _, c := range []struct {
		name, dir string
		gone      bool
	}{
		{"its own", "alice.condor_ssh_to_job_1f", true},
		{"another directory", "precious", false},
	} {
		base := t.TempDir()
		dir := filepath.Join(base, c.dir)
		if err := os.Mkdir(dir, 0o700); err != nil {
			t.Fatal(err)
		}
		sweep(t, base, note{dir: dir})
		if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) != c.gone {
			t.Errorf("%s: gone is not %v (%v)", c.name, c.gone, err)
		}
	}
}

func TestSweepFollowsNoLink(t *testing.T) {
	base := t.TempDir()
	precious := filepath.Join(base, "precious")
	if err := os.Mkdir(precious, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(base, "alice.condor_ssh_to_job_1f")
	if err := os.Symlink(precious, link); err != nil {
		t.Fatal(err)
	}
	sweep(t, base, note{dir: link})
	if _, err := os.Stat(precious); err != nil {
		t.Error(err)
	}
}

// sweep sweeps base by a note, which has to be gone then.
func sweep(t *testing.T, base string, n note) {
	t.Helper()
	path := filepath.Join(base, NoteName)
	if err := os.WriteFile(path, n.bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	Sweep(path)
	if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the note is still there: %v", err)
	}
}

// TestSweepEnds the process that was noted, if it still is that process.
func TestSweepEnds(t *testing.T) {
	base := t.TempDir()
	ours := start(t, "tail", "-f", base+"/.", "/dev/null")
	other := start(t, "tail", "-f", "/dev/null")
	// A process that has just become another has no command line for a moment.
	for t.Context().Err() == nil && !runs(ours.Process.Pid, base) {
		time.Sleep(time.Millisecond)
	}
	sweep(t, base, note{pid: other.Process.Pid})
	sweep(t, base, note{pid: ours.Process.Pid})
	err := ours.Wait()
	if err == nil || err.Error() != "signal: killed" {
		t.Errorf("the carrier's ssh ended with %v", err)
	}
	if parentOf(other.Process.Pid) != os.Getpid() {
		t.Error("a process that has the number now was ended")
	}
}

func start(t *testing.T, name string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := exec.Command(name, args...)
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cmd.Process.Kill(); cmd.Wait() })
	return cmd
}

func TestParentOf(t *testing.T) {
	if got := parentOf(os.Getpid()); got != os.Getppid() {
		t.Errorf("got %d, want %d", got, os.Getppid())
	}
	for _, pid := range []int{-1, 0, 1 << 30} {
		if got := parentOf(pid); got != 0 {
			t.Errorf("the parent of %d is %d", pid, got)
		}
	}
}

// TestBecome starts a shell, the parent, which starts this program as a
// carrier. The carrier has to be the program that it was told, noted, and die
// with its parent.
func TestBecome(t *testing.T) {
	base := t.TempDir()
	path := filepath.Join(base, NoteName)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	tail, err := exec.LookPath("tail")
	if err != nil {
		t.Fatal(err)
	}
	// The shell waits for its child; "wait" keeps it from becoming it.
	parent := start(t, "sh", "-c", `"$@" & wait`, "sh", self, Flag, path, tail, "-f", base+"/.", "/dev/null")
	n := await(t, path)
	if got := parentOf(n.pid); got != parent.Process.Pid {
		t.Errorf("the parent of the carrier is %d, want %d", got, parent.Process.Pid)
	}
	parent.Process.Kill()
	parent.Wait()
	for parentOf(n.pid) != 0 && runs(n.pid, base) {
		time.Sleep(5 * time.Millisecond)
	}
	Sweep(path)
}

// await waits until the carrier is noted and has become its program.
func await(t *testing.T, path string) note {
	t.Helper()
	for deadline := time.Now().Add(20 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		n := read(path)
		line, err := os.ReadFile("/proc/" + strconv.Itoa(n.pid) + "/cmdline")
		if err == nil && bytes.Contains(line, []byte("tail")) && !bytes.Contains(line, []byte(Flag)) {
			return n
		}
	}
	t.Fatal("no carrier was noted")
	return note{}
}

// TestEnd asks the carrier's ssh to end, upon which its parent, here a shell,
// ends by itself.
func TestEnd(t *testing.T) {
	base := t.TempDir()
	path := filepath.Join(base, NoteName)
	self, _ := os.Executable()
	tail, _ := exec.LookPath("tail")
	parent := start(t, "sh", "-c", `"$@" & wait $!; exit 9`, "sh", self, Flag, path, tail, "-f", base+"/.", "/dev/null")
	await(t, path)
	done := make(chan error, 1)
	go func() { done <- parent.Wait() }()
	End(path, parent.Process)
	if err := <-done; err == nil || err.Error() != "exit status 9" {
		t.Errorf("the parent ended with %v, want its own exit status 9", err)
	}
}

// TestEndWithoutNote kills a parent that does not come to its ssh.
func TestEndWithoutNote(t *testing.T) {
	parent := start(t, "sleep", "600")
	end(filepath.Join(t.TempDir(), NoteName), parent.Process, time.Second)
	if err := parent.Wait(); err == nil || err.Error() != "signal: killed" {
		t.Errorf("the parent ended with %v", err)
	}
}

func TestBecomeRefuses(t *testing.T) {
	for _, args := range [][]string{nil, {"note"}} {
		if err := Become(args); err == nil || !strings.Contains(err.Error(), "perch keep's own") {
			t.Errorf("%q: %v", args, err)
		}
	}
}
