package conformance

import (
	"bufio"
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"
	"time"

	"perch/tests/session"
)

// stalled is a job where peers that do not log in have taken all places. It is
// one of its own, since nobody else gets in meanwhile.
type stalled struct {
	job
	conns []net.Conn
}

// stall begins a login after the other until one is refused.
func stall(t *testing.T) stalled {
	t.Helper()
	s := stalled{job: job{Job: session.Start(t)}}
	for range 1000 {
		c := s.dial(t)
		c.SetDeadline(time.Now().Add(10 * patience))
		line, err := bufio.NewReader(c).ReadString('\n')
		if !strings.HasPrefix(line, "SSH-") {
			if !strings.Contains(line, "too many logins") {
				t.Errorf("who has no place is told %q", line)
			}
			if r := s.ssh(t, nil, "echo in"); r.code != 255 || !strings.Contains(r.stderr, "the job is busy: \"too many logins are going on; try again in a moment\"") {
				t.Errorf("a user is told %+v", r)
			}
			s.getsIn(t)
			return s
		}
		if err != nil {
			t.Fatal(err)
		}
		s.conns = append(s.conns, c)
	}
	t.Fatal("a thousand logins at once, and none was refused")
	return s
}

// getsIn: a user has the place of the one that stalls longest, soon.
func (s stalled) getsIn(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience); ; time.Sleep(time.Second) {
		r := s.ssh(t, nil, "echo in")
		if r.stdout == "in\n" {
			break
		}
		if !strings.Contains(r.stderr, "the job is busy") || time.Now().After(end) {
			t.Fatalf("a user is told %+v", r)
		}
	}
	if _, err := io.Copy(io.Discard, s.conns[0]); err != nil && !strings.Contains(err.Error(), "reset") {
		t.Errorf("the one that stalls longest: %v", err)
	}
	last := s.conns[len(s.conns)-1]
	last.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	if _, err := last.Read(make([]byte, 1)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("the last one has lost its place, too: %v", err)
	}
	last.SetReadDeadline(time.Now().Add(10 * patience))
}

// The others lose their places when their time is over, and then users get in again.
func testLoginTimeout(t *testing.T, j job) {
	if n := len(j.stalled.conns); n < 16 {
		t.Errorf("only %d logins at once", n)
	}
	for _, c := range j.stalled.conns {
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Fatalf("one that stalls: %v", err)
		}
	}
	if r := j.stalled.ssh(t, nil, "echo in"); r.stdout != "in\n" || r.stderr != "" || r.code != 0 {
		t.Errorf("got %+v", r)
	}
}
