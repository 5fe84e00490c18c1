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
// channels where that is too much: x/crypto takes in up to 2 MiB for each channel,
// also where nobody reads it, and HTCondor ends a job that takes more memory than
// it has asked for.
func (s *Server) weigh() {
	if inUse() <= s.bounds.memory || !s.weighing.TryLock() {
		return
	}
	go func() {
		defer s.weighing.Unlock()
		runtime.GC() // what was in use may not be any more
		c := s.busiest()
		if c == nil || inUse() <= s.bounds.memory {
			return
		}
		reason := fmt.Sprintf("the job's server holds %d MiB that nobody in the job reads, and this connection has the most channels; close some", s.bounds.memory>>20)
		s.Log.Printf("dropping the connection of %q with %d channels: %s", c.ssh.User(), c.channels.Load(), reason)
		c.raw.SetWriteDeadline(time.Now().Add(farewell))
		c.dismiss(reason)
		c.raw.Close()
		within(farewell, c.tasks.Wait)
		runtime.GC()
	}()
}

// busiest is the connection with the most channels.
func (s *Server) busiest() (most *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for c := range s.conns {
		if most == nil || c.channels.Load() > most.channels.Load() {
			most = c
		}
	}
	return most
}

// inUse is how many bytes of memory were in use when the garbage was collected
// last.
func inUse() uint64 {
	live := []metrics.Sample{{Name: "/gc/heap/live:bytes"}}
	metrics.Read(live)
	return live[0].Value.Uint64()
}
