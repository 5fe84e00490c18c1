package sshd

import (
	"io"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
)

// duplex is a connection whose two directions end one at a time.
type duplex interface {
	net.Conn
	CloseWrite() error
}

// lastWords is how long what a peer has sent before it closed a channel may
// take to reach where it was meant for.
const lastWords = 30 * time.Second

// relay copies between a channel and a connection until both directions have
// ended, each by itself, and closes both.
func (c *conn) relay(channel ssh.Channel, requests <-chan *ssh.Request, to duplex) {
	defer to.Close()
	defer channel.Close()
	in := c.input(channel)
	defer c.dropInput(in)
	c.do(func() {
		ssh.DiscardRequests(requests)
		// The peer has closed the channel: nobody reads our answers any
		// more, but what it sent before is still on its way.
		to.SetReadDeadline(time.Now())
		to.SetWriteDeadline(time.Now().Add(lastWords))
	})
	sent := make(chan struct{})
	c.do(func() {
		defer close(sent)
		feed(to, in)
		to.CloseWrite()
	})
	copyChunks(&stream{w: channel, touch: c.touch}, to)
	channel.CloseWrite()
	<-sent
}

// feed copies all of r to w. Where w takes no more, the rest is read and thrown
// away, since a peer may wait for its data to be taken before it does anything
// else.
func feed(w io.Writer, r io.Reader) {
	if err := copyChunks(w, r); err != nil {
		io.Copy(io.Discard, r)
	}
}

// What is copied at once is small while little comes, since most sessions are
// idle, and grows to two of SSH's packets.
const (
	smallChunk = 4 << 10
	largeChunk = 64 << 10
)

// copyChunks copies until EOF.
func copyChunks(w io.Writer, r io.Reader) error {
	buf := make([]byte, smallChunk)
	for {
		n, err := r.Read(buf)
		if n > 0 {
			if _, err := w.Write(buf[:n]); err != nil {
				return err
			}
		}
		if err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
		if n == len(buf) && n < largeChunk {
			buf = make([]byte, 4*n)
		}
	}
}

// reader is something's output that notes when something moves.
type reader struct {
	io.Reader
	touch func()
}

func (r reader) Read(p []byte) (int, error) {
	n, err := r.Reader.Read(p)
	if n > 0 {
		r.touch()
	}
	return n, err
}
