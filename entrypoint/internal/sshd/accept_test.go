package sshd

import (
	"bytes"
	"fmt"
	"log"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/crypto/ssh"
)

// poor is a listener with few resources: errors come before the connection.
type poor struct {
	net.Listener
	errors []error
}

func (p *poor) Accept() (net.Conn, error) {
	if len(p.errors) > 0 {
		err := p.errors[0]
		p.errors = p.errors[1:]
		return nil, &net.OpError{Op: "accept", Err: os.NewSyscallError("accept4", err)}
	}
	return p.Listener.Accept()
}

// Who finds no descriptor left waits for one; other errors are for good.
func TestAccept(t *testing.T) {
	l := listenLocal(t)
	conn, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	var said bytes.Buffer
	served := 0
	err = accept(&poor{l, []error{syscall.EMFILE, syscall.ECONNABORTED}}, log.New(&said, "", 0), func(from net.Conn) {
		served++
		from.Close()
		l.Close()
	})
	if served != 1 || err != nil || strings.Count(said.String(), "trying again\n") != 2 {
		t.Errorf("served %d, %v, said %q", served, err, &said)
	}
	err = accept(&poor{l, []error{syscall.EBADF}}, log.New(&said, "", 0), nil)
	if err == nil || !strings.Contains(err.Error(), "accepting a connection at 127.0.0.1:") {
		t.Errorf("got %v", err)
	}
}

// A display for one client only is given back with that, once: the session's end
// leaves alone who has its number then.
func TestX11Single(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	incoming := client.HandleChannelOpen("x11")
	x := ssh.Marshal(x11Request{Single: true, Protocol: "MIT-MAGIC-COOKIE-1", Cookie: "00112233445566778899aabbccddeeff"})
	first, requests := s.raw(client)
	go ssh.DiscardRequests(requests)
	if ok, err := first.SendRequest("x11-req", true, x); !ok || err != nil {
		t.Fatalf("x11-req: %v, %v", ok, err)
	}
	runIn(t, first, `echo "$DISPLAY"; cat`)
	var number int
	if _, err := fmt.Fscanf(first, ":%d.0\n", &number); err != nil {
		t.Fatal(err)
	}
	path := fmt.Sprintf("%s/X%d", x11Sockets, number)
	app, err := net.Dial("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer app.Close()
	(<-incoming).Reject(ssh.Prohibited, "")
	eventually(t, "the display is given back", func() bool { _, err := os.Lstat(path); return os.IsNotExist(err) })
	other, err := net.Listen("unix", path)
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	first.Close()
	client.Close()
	eventually(t, "the connection is gone", func() bool { return s.activity.here.Load() == 0 })
	if _, err := os.Lstat(path); err != nil {
		t.Errorf("the other's socket: %v", err)
	}
}
