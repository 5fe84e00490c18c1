package sshd

import (
	"bufio"
	"net"
	"sync"
	"time"
)

const (
	// libraryBuffer is the size of the buffers of x/crypto's transport.
	libraryBuffer = 4096
	// wireBuffer holds the largest packet that OpenSSH sends.
	wireBuffer = 36 << 10
	// holdTime is how long the beginning of a packet waits for its rest, which
	// comes at once where there is one.
	holdTime = time.Millisecond
)

// wire is a peer's connection for x/crypto's transport, which reads a packet of
// 32 KiB by three calls and writes it by two (AES-GCM) or three: 4096 bytes, and
// the rest. Here the first two are one, which wakes the peer once.
type wire struct {
	net.Conn
	in *bufio.Reader
	// weigh is called after each lookAfter bytes that were read.
	weigh func()
	read  int

	mu    sync.Mutex
	held  []byte
	timer *time.Timer
}

func newWire(raw net.Conn, weigh func()) *wire {
	w := &wire{Conn: raw, in: bufio.NewReaderSize(raw, wireBuffer), weigh: weigh}
	w.timer = time.AfterFunc(time.Hour, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		_ = w.release(nil) // the next Write finds what is wrong
	})
	w.timer.Stop()
	return w
}

func (w *wire) Read(p []byte) (int, error) {
	n, err := w.in.Read(p)
	if w.read += n; w.read >= lookAfter {
		w.read = 0
		w.weigh()
	}
	return n, err
}

// Write holds back a full buffer of the library's, since most are the beginning
// of a packet. Which are not cannot be seen, so none is held for long.
func (w *wire) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(p) == libraryBuffer && len(w.held) == 0 {
		w.held = append(w.held, p...)
		w.timer.Reset(holdTime)
		return len(p), nil
	}
	if err := w.release(p); err != nil {
		return 0, err
	}
	return len(p), nil
}

// release writes what is held and p.
func (w *wire) release(p []byte) error {
	if len(w.held) == 0 {
		if len(p) == 0 {
			return nil
		}
		_, err := w.Conn.Write(p)
		return err
	}
	w.timer.Stop()
	both := net.Buffers{w.held, p}
	_, err := both.WriteTo(w.Conn)
	w.held = w.held[:0]
	return err
}

// Close writes what is held, if the peer takes it.
func (w *wire) Close() error {
	w.timer.Stop()
	if w.mu.TryLock() { // else somebody writes, and ends with Close
		if len(w.held) > 0 {
			w.Conn.SetWriteDeadline(time.Now().Add(farewell))
			_ = w.release(nil)
		}
		w.mu.Unlock()
	}
	return w.Conn.Close()
}
