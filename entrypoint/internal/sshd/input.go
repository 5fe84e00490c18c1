package sshd

import (
	"sync/atomic"

	"golang.org/x/crypto/ssh"
)

// input is what the peer sends into a channel.
type input struct {
	reader
	// awaited says that somebody reads it, or that its end was read: x/crypto
	// holds nothing of it then.
	awaited atomic.Bool
}

// input returns what the peer sends into a channel. dropInput has to be called
// when that has ended.
func (c *conn) input(channel ssh.Channel) *input {
	in := &input{reader: reader{channel, c.touch}}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.inputs[in] = true
	return in
}

func (c *conn) dropInput(in *input) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.inputs, in)
}

// unread is how many channels there are of which nobody reads what comes.
func (c *conn) unread() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for in := range c.inputs {
		if !in.awaited.Load() {
			n++
		}
	}
	return n
}

// Read notes that somebody waits.
func (in *input) Read(p []byte) (int, error) {
	in.awaited.Store(true)
	n, err := in.reader.Read(p)
	in.awaited.Store(err != nil)
	return n, err
}
