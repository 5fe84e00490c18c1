package sshd

import (
	"io"
	"sync"
)

// stream is one output of a channel. x/crypto wants each to be written by one
// goroutine at a time; Perch has two, since it adds lines of its own.
type stream struct {
	mu    sync.Mutex
	w     io.Writer
	touch func()
}

func (s *stream) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	n, err := s.w.Write(p)
	if n > 0 {
		s.touch()
	}
	return n, err
}
