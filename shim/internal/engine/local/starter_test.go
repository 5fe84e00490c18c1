package local

import (
	"strings"
	"syscall"
	"testing"
	"time"

	"perch/shim/internal/userlog"
)

// SIGTERM to the starter ends the job, as when the machine goes down.
func TestStarterTerminated(t *testing.T) {
	s := newSite(t, "")
	j := s.submit(s.program("queue", "exec sleep 1000"))
	s.await(j, userlog.Execute)
	if err := syscall.Kill(s.starterOf(j).Pid, syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if end := s.await(j, userlog.Aborted); !strings.Contains(end.Reason, "SIGTERM") {
		t.Errorf("reason: got %q, want SIGTERM in it", end.Reason)
	}
}

// A starter that fails leaves its last words for the user.
func TestStarterFails(t *testing.T) {
	s := newSite(t, "")
	s.Program = "/bin/false-is-not-there"
	if _, err := s.Submit(t.Context(), s.submission("queue")); err == nil || !strings.Contains(err.Error(), "starting the job's starter: ") {
		t.Errorf("no such program: got %v", err)
	}
	s.Program = "/bin/ls" // ls: cannot access 'local-starter'
	j, err := s.Submit(t.Context(), s.submission("queue"))
	if err != nil {
		if !strings.Contains(err.Error(), "it ended at once: ") {
			t.Error(err)
		}
		return
	}
	s.untilGone(j)
	if end := s.await(j, userlog.Aborted); !strings.Contains(end.Reason, "the job's starter failed: ") {
		t.Errorf("reason: got %q, want the starter's last words", end.Reason)
	}
}

// A starter touches only the job that it was started for.
func TestStarterOfAnotherJob(t *testing.T) {
	s := newSite(t, "")
	j := s.submit(s.program("hold = true\nqueue", "exit 0"))
	q, err := openQueue()
	if err != nil {
		t.Fatal(err)
	}
	if err := Starter(t.Context(), q.folder(1)); err == nil || !strings.Contains(err.Error(), "another starter") {
		t.Errorf("got %v, want a refusal", err)
	}
	if got, want := s.events(j), "000 012"; got != want {
		t.Errorf("events: got %s, want %s", got, want)
	}
}

// Whoever waits for the end of what we have open need not wait for the job.
func TestNothingInherited(t *testing.T) {
	s := newSite(t, "")
	var pipe [2]int
	if err := syscall.Pipe(pipe[:]); err != nil { // not closed on exec
		t.Fatal(err)
	}
	j := s.submit(s.program("queue", "ls -l /proc/self/fd; exec sleep 1000"))
	s.await(j, userlog.Execute)
	if err := syscall.Close(pipe[1]); err != nil {
		t.Fatal(err)
	}
	ended := make(chan int)
	go func() {
		n, _ := syscall.Read(pipe[0], make([]byte, 1))
		ended <- n
	}()
	select {
	case n := <-ended:
		if n != 0 {
			t.Errorf("got %d bytes, want the end", n)
		}
	case <-time.After(limit):
		t.Error("the starter or the job has our pipe open")
	}
	syscall.Close(pipe[0])
}
