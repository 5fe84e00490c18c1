package sshd

import (
	"fmt"
	"runtime"
	"runtime/metrics"
	"time"
)

// lookAfter is how many bytes of a peer's come between two looks at how much is
// held.
const lookAfter = 16 << 20

// weigh looks at how much memory is in use, and drops the connection with the most
// channels that nobody reads where that is too much: x/crypto takes in up to 2 MiB for each channel,
// also where nobody reads it, and HTCondor ends a job that takes more memory than
// it has asked for.
func (s *Server) weigh() {
	if inUse() <= s.bounds.memory || !s.weighing.TryLock() {
		return
	}
	go func() {
		defer s.weighing.Unlock()
		runtime.GC() // what was in use may not be any more
		c, unread := s.fullest()
		if c == nil || inUse() <= s.bounds.memory {
			return
		}
		reason := fmt.Sprintf("the job's server holds %d MiB that nobody in the job reads, most of it in the %d such channels of this connection; close some", s.bounds.memory>>20, unread)
		s.Log.Printf("dropping the connection of %q: %s", c.ssh.User(), reason)
		c.raw.SetWriteDeadline(time.Now().Add(farewell))
		c.dismiss(reason)
		c.raw.Close()
		within(farewell, c.tasks.Wait)
		runtime.GC()
	}()
}

// fullest is the connection with the most channels that nobody reads, if there
// is one with any.
func (s *Server) fullest() (most *conn, unread int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if n := c.unread(); n > unread {
			most, unread = c, n
		}
	}
	return most, unread
}

// inUse is how many bytes of memory were in use when the garbage was collected
// last.
func inUse() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
