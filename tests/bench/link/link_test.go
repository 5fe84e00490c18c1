package link

import (
	"bytes"
	"context"
	"io"
	"math/rand/v2"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// dial serves a line in front of a server that sends back what it gets, and
// connects to it.
func dial(t *testing.T, k Link) *net.UnixConn {
	t.Helper()
	near, far := filepath.Join(t.TempDir(), "near"), filepath.Join(t.TempDir(), "far")
	server := listen(t, far)
	go func() {
		for {
			c, err := server.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	line := listen(t, near)
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- k.Serve(ctx, line, far) }()
	t.Cleanup(func() {
		cancel()
		if err := <-served; err != nil {
			t.Errorf("the line says %v", err)
		}
		server.Close()
	})
	c, err := net.Dial("unix", near)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c.(*net.UnixConn)
}

func listen(t *testing.T, path string) net.Listener {
	t.Helper()
	l, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	return l
}

// Nothing arrives before its time, and the end comes behind the last byte.
func TestDelay(t *testing.T) {
	const delay = 20 * time.Millisecond
	c := dial(t, Link{Delay: delay, Rate: 1e9})
	began := time.Now()
	io.WriteString(c, "there and back")
	c.CloseWrite()
	got, err := io.ReadAll(c)
	if string(got) != "there and back" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	if took := time.Since(began); took < 2*delay {
		t.Errorf("there and back in %v", took)
	}
}

// However much goes over the line, it is no faster than its rate, and nothing
// is lost or exchanged.
func TestRate(t *testing.T) {
	const size, rate = 4 << 20, 32 << 20
	c := dial(t, Link{Delay: time.Millisecond, Rate: rate})
	sent := make([]byte, size)
	rand.NewChaCha8([32]byte{}).Read(sent)
	began := time.Now()
	go func() {
		c.Write(sent)
		c.CloseWrite()
	}()
	got, err := io.ReadAll(c)
	if !bytes.Equal(got, sent) || err != nil {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
	if took := time.Since(began); took < time.Second*size/rate {
		t.Errorf("%d bytes at %d a second took %v", size, rate, took)
	}
}

// A server that goes away ends the connection for the client.
func TestFarEndCloses(t *testing.T) {
	near, far := filepath.Join(t.TempDir(), "near"), filepath.Join(t.TempDir(), "far")
	server, line := listen(t, far), listen(t, near)
	defer server.Close()
	ctx, cancel := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- Link{Rate: 1e9}.Serve(ctx, line, far) }()
	c, err := net.Dial("unix", near)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	there, err := server.Accept()
	if err != nil {
		t.Fatal(err)
	}
	there.Close()
	if got, err := io.ReadAll(c); len(got) > 0 || err != nil {
		t.Errorf("got %q, %v; want the end", got, err)
	}
	cancel()
	if err := <-served; err != nil {
		t.Error(err)
	}
}
