package sshd

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
)

// raw opens a session whose frames the caller looks at.
func (s *service) raw(client *ssh.Client) (ssh.Channel, <-chan *ssh.Request) {
	s.t.Helper()
	channel, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		s.t.Fatal(err)
	}
	return channel, requests
}

func runIn(t *testing.T, channel ssh.Channel, line string) {
	t.Helper()
	if ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Line string }{line})); !ok || err != nil {
		t.Fatalf("exec %q: got %v, %v", line, ok, err)
	}
}

// The exit status does not wait for output that the client has not taken: while
// the window is full, the command ends, its status comes, and all of the output
// after it.
func TestStatusBeforeTheRestOfTheOutput(t *testing.T) {
	s := serve(t, nil)
	channel, requests := s.raw(s.connect())
	// Two MiB are a full window of the client's. The rest stays in the pipe.
	const size = 2<<20 + 60_000
	runIn(t, channel, fmt.Sprintf("head -c %d /dev/zero; exit 5", size))
	request := <-requests
	if want := ssh.Marshal(struct{ Code uint32 }{5}); request == nil || request.Type != "exit-status" || !bytes.Equal(request.Payload, want) {
		t.Fatalf("with the window full: got %+v, want the exit status 5", request)
	}
	if n, err := io.Copy(io.Discard, channel); n != size || err != nil {
		t.Errorf("after the status: got %d bytes, %v, want %d", n, err, size)
	}
	if request, more := <-requests; more {
		t.Errorf("after the output: got the request %+v, want the channel's end", request)
	}
}

// A client need not wait for its forward's answer: the command that comes after it
// finds the socket.
func TestForwardBeforeCommand(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	for i := range maxListeners {
		path := filepath.Join(s.Account.Home, fmt.Sprint("forward", i))
		if _, _, err := client.SendRequest("streamlocal-forward@openssh.com", false, ssh.Marshal(forwardUnixMsg{path})); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.session(client).Run(fmt.Sprint("test -S forward", maxListeners-1)); err != nil {
		t.Error(err)
	}
}

// EOF on stdin is the command's alone: the session lives on, and says more.
func TestEOFOnStdin(t *testing.T) {
	s := serve(t, nil)
	channel, requests := s.raw(s.connect())
	go ssh.DiscardRequests(requests)
	runIn(t, channel, "cat; echo end of input; until [ -e gate ]; do sleep 0.02; done; echo open again")
	io.WriteString(channel, "input ")
	if err := channel.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	const first = "input end of input\n"
	got := make([]byte, len(first))
	if _, err := io.ReadFull(channel, got); string(got) != first || err != nil {
		t.Fatalf("after EOF: got %q, %v", got, err)
	}
	if err := os.WriteFile(filepath.Join(s.Account.Home, "gate"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if rest, err := io.ReadAll(channel); string(rest) != "open again\n" || err != nil {
		t.Errorf("got %q, %v", rest, err)
	}
}

// A process that has let go of the output does not hold the session, and one
// that has not holds it no longer than the client stays, as with sshd.
func TestProcessThatOutlivesItsShell(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	if out, err := s.session(client).Output("sleep 1000 >/dev/null 2>&1 & echo ok"); string(out) != "ok\n" || err != nil {
		t.Errorf("without output: got %q, %v", out, err)
	}
	channel, requests := s.raw(client)
	runIn(t, channel, "sleep 1000 & echo ok")
	if request := <-requests; request == nil || request.Type != "exit-status" {
		t.Errorf("with output: got %+v, want the exit status", request)
	}
	client.Close()
	eventually(t, "the connection is gone", func() bool { return s.activity.here.Load() == 0 })
}

// A silent process does not hold the session for ever, and does not suffer: it
// writes on, to nobody, also when the connection ends.
func TestSilentProcessThatOutlivesItsShell(t *testing.T) {
	s := serve(t, func(c *Config) {
		c.bounds = bounds{connections: 9, channels: 9, silence: time.Second, memory: memoryInUse}
	})
	client := s.connect()
	session := s.session(client)
	var out, said bytes.Buffer
	session.Stdout, session.Stderr = &out, &said
	gate := filepath.Join(t.TempDir(), "gate")
	line := fmt.Sprintf("(until [ -e %[1]s ]; do sleep 0.02; done; echo late; echo late; sleep 0.1; echo late && touch %[1]s.passed) & echo ok", gate)
	if err := session.Run(line); err != nil || out.String() != "ok\n" || !strings.Contains(said.String(), "has said nothing for 1s; it runs on") {
		t.Errorf("got %q, %q, %v", &out, &said, err)
	}
	client.Close()
	eventually(t, "the connection is gone", func() bool { return s.activity.here.Load() == 0 })
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has written on", func() bool { _, err := os.Stat(gate + ".passed"); return err == nil })
}

// On a terminal the session ends with its shell, whatever the shell has left
// there: that is hung up, and what is deaf to it runs on. All that came before
// arrives.
func TestProcessOnTerminalThatOutlivesItsShell(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	gate := filepath.Join(t.TempDir(), "gate")
	deaf := fmt.Sprintf("trap '' HUP; (until [ -e %[1]s ] || [ ! -d %[2]s ]; do sleep 0.02; done; touch %[1]s.passed) & ", gate, filepath.Dir(gate))
	for _, left := range []string{deaf, "sleep 1000 & ", "yes & "} {
		session := s.session(client)
		if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
			t.Fatal(err)
		}
		out, err := session.Output("seq 5000; " + left + "echo o''k; exit 3")
		if exit := new(ssh.ExitError); !errors.As(err, &exit) || exit.ExitStatus() != 3 || !strings.Contains(string(out), "4999\r\n5000\r\n") || !strings.Contains(string(out), "ok\r\n") {
			t.Errorf("%s: got %.80q, %v", left, out, err)
		}
	}
	if err := os.WriteFile(gate, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	eventually(t, "it has run on", func() bool { _, err := os.Stat(gate + ".passed"); return err == nil })
}

// TestSlowReader: a client that reads nothing for long gets all the same.
func TestSlowReader(t *testing.T) {
	const size = 2<<20 + 60<<10 // a window, and what fits into the pipe
	silence := 100 * time.Millisecond
	s := serve(t, func(c *Config) { c.bounds = bounds{connections: 9, channels: 9, silence: silence, memory: memoryInUse} })
	channel, requests := s.raw(s.connect())
	runIn(t, channel, fmt.Sprintf("head -c %d /dev/zero", size))
	if request := <-requests; request == nil || request.Type != "exit-status" {
		t.Fatalf("got %+v, want the exit status", request)
	}
	time.Sleep(10 * silence)
	if out, err := io.ReadAll(channel); len(out) != size || err != nil {
		t.Errorf("got %d of %d bytes, %v", len(out), size, err)
	}
}

// What is typed does not wait behind a bulk transfer of the same connection.
// Speed has no part in it: the client stops reading until the transfer has
// filled the way, the answer to a keystroke is written meanwhile, and then the
// client reads so much more, and no more, in which the answer must be. Before it
// comes what was on the way already, and a packet or two. On one processor: which
// of two threads the kernel lets run is not the server's to say.
func TestKeystrokeBesideBulk(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	s := serve(t, nil)
	echo := listenLocal(t)
	raw := &metered{Conn: s.dial()}
	raw.rest.Store(unmetered)
	defer raw.rest.Store(unmetered)
	client := s.connectOver(raw)
	typed, err := client.Dial("tcp", echo.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	inside, err := echo.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer inside.Close()
	bulk, requests := s.raw(client)
	go ssh.DiscardRequests(requests)
	runIn(t, bulk, "cat /dev/zero")
	var taken atomic.Int64
	go func() {
		buffer := make([]byte, 32<<10)
		for {
			n, err := bulk.Read(buffer)
			taken.Add(int64(n))
			if err != nil {
				return
			}
		}
	}()
	eventually(t, "the transfer runs", func() bool { return taken.Load() > 8<<20 })
	raw.rest.Store(0)
	eventually(t, "the transfer waits", func() bool {
		now := senders()
		return raw.waits.Load() && len(now) == 1 && bytes.Contains(now[0], []byte(" [IO wait"))
	})
	io.WriteString(inside, "x")
	eventually(t, "the answer waits, too", func() bool { return len(senders()) == 2 })
	// The socket holds some 200 KiB.
	raw.rest.Store(512 << 10)
	answered := make(chan error, 1)
	go func() { _, err := io.ReadFull(typed, make([]byte, 1)); answered <- err }()
	select {
	case err := <-answered:
		if err != nil {
			t.Error(err)
		}
	case <-time.After(30 * time.Second):
		t.Error("the answer is not in the next 512 KiB")
	}
}

// metered is a connection of which its client reads no more than rest, and a read
// beyond.
type metered struct {
	net.Conn
	rest  atomic.Int64
	waits atomic.Bool
}

const unmetered = 1 << 60

func (m *metered) Read(p []byte) (int, error) {
	for m.rest.Load() <= 0 {
		m.waits.Store(true)
		time.Sleep(time.Millisecond)
	}
	n, err := m.Conn.Read(p)
	m.rest.Add(-int64(n))
	return n, err
}

// senders are the stacks of the goroutines that send data on a channel just now,
// or wait to.
func senders() (found [][]byte) {
	buffer := make([]byte, 4<<20)
	buffer = buffer[:runtime.Stack(buffer, true)]
	for stack := range bytes.SplitSeq(buffer, []byte("\n\n")) {
		if bytes.Contains(stack, []byte("(*handshakeTransport).writePacket")) && bytes.Contains(stack, []byte("(*channel).WriteExtended")) {
			found = append(found, stack)
		}
	}
	return found
}

func listenLocal(t *testing.T) net.Listener {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l
}
