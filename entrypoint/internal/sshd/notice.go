package sshd

import (
	"fmt"
	"slices"
)

// maxNotices is how many different ones a connection gets.
const maxNotices = 50

// notice shows the user a line, once in a connection: in its sessions that run,
// else in the next one. The answer to a refused global request has no text (RFC
// 4254, 4), and OpenSSH's client shows an SSH_MSG_DEBUG with -v alone, whatever
// its always_display says.
// What a peer asks for may stand in the line, so that there are no more than some.
func (c *conn) notice(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.noticed[line] || len(c.noticed) > maxNotices {
		return
	}
	if len(c.noticed) == maxNotices {
		line = "more was refused, which is not shown"
	}
	c.noticed[line] = true
	c.server.Log.Printf("to %q: %s", c.ssh.User(), line)
	running := false
	for s := range c.sessions {
		if s.begun {
			running = true
			c.do(func() { s.tell("perch: " + line) })
		}
	}
	if !running {
		c.notices = append(c.notices, line)
	}
}

// showNotices shows what had to wait for a session. It comes after the answer to
// the request that begins the session, and before any output.
func (s *session) showNotices() {
	s.conn.mu.Lock()
	waiting := s.conn.notices
	s.conn.notices = nil
	s.begun = true
	s.conn.mu.Unlock()
	if notes := s.conn.server.Notes; notes != nil && !s.conn.control {
		waiting = slices.Concat(notes(), waiting)
	}
	for _, line := range waiting {
		s.tell("perch: " + line)
	}
}
