// Package link is a line of a known length: a relay between unix sockets that
// gives each byte a fixed delay, and each direction a fixed bandwidth. A kernel's
// netem does the same, where it is to be had.
package link

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"sync"
	"time"
)

// Link is what a line does to what goes over it.
type Link struct {
	// Delay is that of each direction; a round trip takes twice as long.
	Delay time.Duration
	// Rate is the bandwidth of each direction, in bytes a second.
	Rate float64
}

// block is how much is read at once, in bytes. What is read together arrives
// together.
const block = 16 << 10

// Serve relays each connection to l to a new one to the unix socket at path,
// until ctx ends and all of them have. It closes l.
func (k Link) Serve(ctx context.Context, l net.Listener, path string) error {
	defer context.AfterFunc(ctx, func() { l.Close() })()
	var running sync.WaitGroup
	defer running.Wait()
	defer l.Close()
	for {
		near, err := l.Accept()
		if ctx.Err() != nil || errors.Is(err, net.ErrClosed) {
			return nil
		}
		if err != nil {
			return err
		}
		far, err := net.Dial("unix", path)
		if err != nil {
			near.Close()
			return fmt.Errorf("reaching the other end of the line: %w", err)
		}
		running.Go(func() { k.join(ctx, near.(*net.UnixConn), far.(*net.UnixConn)) })
	}
}

// join carries both directions, each until its own end.
func (k Link) join(ctx context.Context, near, far *net.UnixConn) {
	defer near.Close()
	defer far.Close()
	defer context.AfterFunc(ctx, func() { near.Close(); far.Close() })()
	var there sync.WaitGroup
	there.Go(func() { k.carry(far, near) })
	k.carry(near, far)
	there.Wait()
}

// piece is what is under way, and when it arrives.
type piece struct {
	bytes []byte
	at    time.Time
}

// carry copies one direction. As much fits onto the line as its delay and rate
// make, and a pause of the reader's more; then the sender has to wait.
func (k Link) carry(to, from *net.UnixConn) {
	line := make(chan piece, 4+int(2*k.Delay.Seconds()*k.Rate)/block)
	var sending sync.WaitGroup
	sending.Go(func() {
		defer close(line)
		k.send(line, from)
	})
	for p := range line {
		time.Sleep(time.Until(p.at))
		if _, err := to.Write(p.bytes); err != nil {
			from.CloseRead() // the sender learns of it, as from a socket
			break
		}
	}
	for range line { // until send has seen the end
	}
	to.CloseWrite()
	sending.Wait()
}

// send puts what it reads onto the line, no faster than its rate. The next piece
// makes up for what a sleep took too long, which is more than a piece takes.
func (k Link) send(line chan<- piece, from io.Reader) {
	var late time.Duration
	for {
		buf := make([]byte, block)
		n, err := from.Read(buf)
		if n > 0 {
			read := time.Now()
			free := read.Add(time.Duration(float64(n)/k.Rate*float64(time.Second)) - late) // when the line's beginning is
			time.Sleep(time.Until(free))
			late = time.Since(free)
			line <- piece{buf[:n], read.Add(k.Delay + max(free.Sub(read), 0))}
		}
		if err != nil {
			return
		}
	}
}
