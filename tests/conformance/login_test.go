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
			if r := s.ssh(t, nil, "echo in"); r.stdout != "in\n" && (r.code != 255 || !strings.Contains(r.stderr, "the job is busy: \"too many logins are going on; try again in a moment\"")) {
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

// getsIn: users have the places of those that stall longest, long before their
// time is over. The first may have that of a connection by which the job is
// watched, which comes again.
func (s stalled) getsIn(t *testing.T) {
	t.Helper()
	for end := time.Now().Add(patience / 2); ; time.Sleep(time.Second) {
		r := s.ssh(t, nil, "echo in")
		if r.stdout != "in\n" && !strings.Contains(r.stderr, "the job is busy") {
			t.Fatalf("a user is told %+v", r)
		}
		if r.stdout == "in\n" && hasEnded(s.conns[0]) {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("the first to stall still has its place, and a user is told %+v", r)
		}
	}
	if hasEnded(s.conns[len(s.conns)-1]) {
		t.Error("the last to stall has lost its place, too")
	}
}

func hasEnded(c net.Conn) bool {
	c.SetReadDeadline(time.Now().Add(50 * time.Millisecond))
	defer c.SetReadDeadline(time.Now().Add(10 * patience))
	_, err := c.Read(make([]byte, 1))
	return !errors.Is(err, os.ErrDeadlineExceeded)
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
