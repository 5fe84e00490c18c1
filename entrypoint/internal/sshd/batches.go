package sshd

import (
	"io"
	"sync"
)

// maxBatch is how much waits for a peer that takes nothing.
const maxBatch = 512 << 10

// batches is a writer that returns before all is written: what comes while the
// rest is on its way goes in one piece. Answers of sftp are a small head and a
// body each, which would be a packet each.
type batches struct {
	out  io.Writer
	done chan struct{}

	mu      sync.Mutex
	changed *sync.Cond
	waiting []byte
	closed  bool
	err     error
}

func newBatches(out io.Writer) *batches {
	b := &batches{out: out, done: make(chan struct{})}
	b.changed = sync.NewCond(&b.mu)
	go b.run()
	return b
}

// Write returns the error of an earlier piece.
func (b *batches) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.waiting) > maxBatch && b.err == nil {
		b.changed.Wait()
	}
	if b.err != nil {
		return 0, b.err
	}
	b.waiting = append(b.waiting, p...)
	b.changed.Broadcast()
	return len(p), nil
}

// close returns when all that came before is written. Nothing may come after.
func (b *batches) close() {
	b.mu.Lock()
	b.closed = true
	b.changed.Broadcast()
	b.mu.Unlock()
	<-b.done
}

func (b *batches) run() {
	defer close(b.done)
	var batch []byte
	for {
		b.mu.Lock()
		for len(b.waiting) == 0 && !b.closed {
			b.changed.Wait()
		}
		if len(b.waiting) == 0 {
			b.mu.Unlock()
			return
		}
		batch, b.waiting = b.waiting, batch[:0]
		b.changed.Broadcast()
		b.mu.Unlock()
		if _, err := b.out.Write(batch); err != nil {
			b.mu.Lock()
			b.err, b.waiting, b.closed = err, nil, true
			b.changed.Broadcast()
			b.mu.Unlock()
			return
		}
	}
}
