package sshd

import (
	"net"
	"slices"
	"sync"
	"time"
)

// logins are the connections that have not logged in yet, the oldest first.
type logins struct {
	mu    sync.Mutex
	going []attempt
}

type attempt struct {
	raw   net.Conn
	begun time.Time
}

// begin gives a connection one of most places. Where there is none, the oldest
// loses its own if it stalls, which is that it has not ended for some time: a
// peer that stalls keeps nobody out but for that. It returns that one, or nil.
func (l *logins) begin(raw net.Conn, most int, stalls time.Duration) (stalled net.Conn, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.going) >= most {
		oldest := l.going[0]
		if time.Since(oldest.begun) < stalls {
			return nil, false
		}
		stalled = oldest.raw
		l.going = slices.Delete(l.going, 0, 1)
	}
	l.going = append(l.going, attempt{raw, time.Now()})
	return stalled, true
}

// end frees the place of a connection, unless it has lost it.
func (l *logins) end(raw net.Conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.going = slices.DeleteFunc(l.going, func(one attempt) bool { return one.raw == raw })
}

func (l *logins) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.going)
}
