package session

import (
	"io"
	"net"
	"sync"
	"testing"
)

// given are the ports that FreePort has returned.
var given sync.Map

// FreePort is a port of the loopback interface where nobody listens, and another
// one each time: tests beside each other would meet there.
func FreePort(t testing.TB) int {
	t.Helper()
	for {
		l, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close() // taken until then, so that the next one is another
		port := l.Addr().(*net.TCPAddr).Port
		if _, before := given.LoadOrStore(port, true); !before {
			return port
		}
	}
}

// Relay leads from a port of the loopback interface, which it returns, to a unix
// socket, until the test's end: for clients that know nothing else.
func Relay(t testing.TB, socket string) (port string) {
	t.Helper()
	return RelayBy(t, socket, func(to io.Writer, from io.Reader, _ bool) { io.Copy(to, from) })
}

// RelayBy is a Relay that copies each direction by a function; toSocket says
// which it is.
func RelayBy(t testing.TB, socket string, carry func(to io.Writer, from io.Reader, toSocket bool)) (port string) {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var all sync.WaitGroup
	all.Go(func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			all.Go(func() { join(near, socket, carry) })
		}
	})
	t.Cleanup(func() { l.Close(); all.Wait() })
	_, port, _ = net.SplitHostPort(l.Addr().String())
	return port
}

// join copies both ways until one side has closed.
func join(near net.Conn, socket string, carry func(io.Writer, io.Reader, bool)) {
	defer near.Close()
	far, err := net.Dial("unix", socket)
	if err != nil {
		return
	}
	defer far.Close()
	var both sync.WaitGroup
	both.Go(func() { carry(far, near, true); far.Close() })
	carry(near, far, false)
	near.Close()
	both.Wait()
}
