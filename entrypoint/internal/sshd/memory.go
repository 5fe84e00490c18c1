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
// channels that nobody reads where that is too much: x/crypto takes in up to 2 MiB
// for each channel, also where nobody reads it, and HTCondor ends a job that takes
// more memory than it has asked for.
func (s *Server) weigh() {
	if inUse() <= s.bounds.memory || !s.weighing.TryLock() {
		return
	}
	go func() {
		defer s.weighing.Unlock()
		runtime.GC() // what was in use may not be any more
		c, channels := s.fullest()
		if c == nil || inUse() <= s.bounds.memory {
			return
		}
		reason := fmt.Sprintf("the job's server holds %d MiB that nobody in the job reads, and of all connections this one has the most channels for it, %d; close some", s.bounds.memory>>20, channels)
		s.Log.Printf("dropping the connection of %q: %s", c.ssh.User(), reason)
		c.raw.SetWriteDeadline(time.Now().Add(farewell))
		c.dismiss(reason)
		c.raw.Close()
		within(farewell, c.tasks.Wait)
		runtime.GC()
	}()
}

// perChannel is what x/crypto takes in of a channel that nobody reads.
const perChannel = 2 << 20

// fullest is the connection with the most channels that nobody reads. Where all
// of those together cannot hold half of what may be held, a peer has found
// another way, such as sending what no peer should, after its EOF: then it is the
// one with the most channels.
func (s *Server) fullest() (most *conn, channels int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	all := 0
	for c := range s.conns {
		all += c.unread()
	}
	explained := uint64(all)*perChannel >= s.bounds.memory/2
	for c := range s.conns {
		n := int(c.channels.Load())
		if explained {
			n = c.unread()
		}
		if n > channels && !c.control {
			most, channels = c, n
		}
	}
	return most, channels
}

// inUse is how many bytes of memory were in use when the garbage was collected
// last.
func inUse() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
