package sshd

import (
	"errors"
	"io"
	"net"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
)

// Signals reach the command, and how it ended comes back.
func TestSignal(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	for _, name := range []ssh.Signal{"TERM", "KILL", "USR1", "INT"} {
		session := s.session(client)
		startAndRead(t, session, "echo ready; exec sleep 1000")
		if err := session.Signal(name); err != nil {
			t.Fatal(err)
		}
		var exit *ssh.ExitError
		if err := session.Wait(); !errors.As(err, &exit) || exit.Signal() != string(name) {
			t.Errorf("after %s: got %v", name, err)
		}
	}
}

// TestSignalIsAnswered: the answer comes before the channel's end, of which the
// signal is the reason.
func TestSignalIsAnswered(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	for range 100 {
		session := s.session(client)
		startAndRead(t, session, "echo ready; exec sleep 1000")
		if ok, err := session.SendRequest("signal", true, ssh.Marshal(struct{ Name string }{"KILL"})); !ok || err != nil {
			t.Fatalf("got %v, %v", ok, err)
		}
	}
}

// Signals reach the whole process group: the channel is closed only when the
// last process has let go of the output.
func TestSignalToGroup(t *testing.T) {
	s := serve(t, nil)
	session := s.session(s.connect())
	startAndRead(t, session, "sleep 1000 & echo ready; wait")
	if err := session.Signal("TERM"); err != nil {
		t.Fatal(err)
	}
	var exit *ssh.ExitError
	if err := session.Wait(); !errors.As(err, &exit) || exit.Signal() != "TERM" {
		t.Errorf("got %v", err)
	}
}

// A peer that says that it takes no more output ends a command that writes on.
func TestEndOfWrite(t *testing.T) {
	s := serve(t, nil)
	session := s.session(s.connect())
	out := startAndRead(t, session, "echo ready; exec yes")
	if ok, err := session.SendRequest("eow@openssh.com", true, nil); !ok || err != nil {
		t.Fatalf("got %v, %v", ok, err)
	}
	go io.Copy(io.Discard, out)
	var exit *ssh.ExitError
	if err := session.Wait(); !errors.As(err, &exit) || exit.Signal() != "PIPE" {
		t.Errorf("got %v", err)
	}
}

// startAndRead starts a command and waits until it has said "ready". What it
// says after that is returned.
func startAndRead(t *testing.T, session *ssh.Session, command string) io.Reader {
	t.Helper()
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start(command); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(out, make([]byte, len("ready\n"))); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestUnknownSignal(t *testing.T) {
	s := serve(t, nil)
	session := s.session(s.connect())
	if err := session.Start("exec cat"); err != nil {
		t.Fatal(err)
	}
	for _, payload := range [][]byte{ssh.Marshal(struct{ Name string }{"NONE"}), {1}, nil} {
		if ok, err := session.SendRequest("signal", true, payload); ok || err != nil {
			t.Errorf("the signal %q: got %v, %v", payload, ok, err)
		}
	}
}

// A break interrupts, is ignored, or is a zero byte, as the terminal's modes say.
func TestBreak(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	reads := map[string]string{
		"brkint -ignbrk":  "while :; do sleep 0.02; done",
		"-brkint -ignbrk": `echo got "$(head -c1 | od -An -tx1)"`,
	}
	for modes, want := range map[string]string{
		"brkint -ignbrk":  "interrupted\r\n", // and before it what the shell was at
		"-brkint -ignbrk": "got  00\r\n",
	} {
		session := s.session(client)
		if err := session.RequestPty("xterm", 24, 80, nil); err != nil {
			t.Fatal(err)
		}
		out, err := session.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		line := "trap 'echo interrupted; exit' INT; stty raw opost -echo isig " + modes + "; printf 'ready\n'; " + reads[modes]
		if err := session.Start(line); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(out, make([]byte, len("ready\r\n"))); err != nil {
			t.Fatal(err)
		}
		if ok, err := session.SendRequest("break", true, ssh.Marshal(struct{ Length uint32 }{500})); !ok || err != nil {
			t.Fatalf("break: got %v, %v", ok, err)
		}
		if got, _ := io.ReadAll(out); !strings.HasSuffix(string(got), want) {
			t.Errorf("%s: got %q, want %q", modes, got, want)
		}
	}
}

// Servers that keep sizes in a queue of one hang here.
func TestResizeBeforeCommand(t *testing.T) {
	s := serve(t, nil)
	session := s.session(s.connect())
	if err := session.RequestPty("xterm", 10, 20, ssh.TerminalModes{}); err != nil {
		t.Fatal(err)
	}
	for i := range 50 {
		if err := session.WindowChange(30+i, 40+i); err != nil {
			t.Fatal(err)
		}
	}
	if out, err := session.Output("stty size"); string(out) != "79 89\r\n" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}

// What is refused costs nothing but the request.
func TestRefusedRequests(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	session := s.session(client)
	for _, test := range []struct {
		kind    string
		payload any
	}{
		{"exec", struct{ Line uint8 }{}}, {"exec", struct{ Line string }{"a\x00b"}}, {"subsystem", struct{ Name string }{"nonesuch"}},
		{"pty-req", struct{ Term string }{"x"}}, {"window-change", struct{ A, B, C, D uint32 }{1, 2, 3, 4}},
		{"env", struct{ Name, Value string }{"LD_PRELOAD", "x"}}, {"env", struct{ Name string }{"X"}},
		{"x11-req", struct{ Single bool }{}}, {"break", struct{ Length uint32 }{500}}, {"signal", struct{ Name string }{"TERM"}},
	} {
		if ok, err := session.SendRequest(test.kind, true, ssh.Marshal(test.payload)); ok || err != nil {
			t.Errorf("%s with %+v: got %v, %v", test.kind, test.payload, ok, err)
		}
	}
	if out, err := session.Output("echo fine"); string(out) != "fine\n" || err != nil {
		t.Errorf("afterwards: got %q, %v", out, err)
	}
	again := s.session(client)
	if err := again.Start("sleep 1000"); err != nil {
		t.Fatal(err)
	}
	if ok, _ := again.SendRequest("exec", true, ssh.Marshal(struct{ Line string }{"true"})); ok {
		t.Error("a session runs two commands")
	}
}

func TestEnvironmentIsBounded(t *testing.T) {
	s := serve(t, nil)
	session := s.session(s.connect())
	var taken int
	for session.Setenv("A"+strings.Repeat("x", taken%200), strings.Repeat("y", 30_000)) == nil {
		if taken++; taken > maxEnv {
			t.Fatalf("%d variables of 30 kB were taken", taken)
		}
	}
	if out, err := session.Output("echo $A | wc -c"); strings.TrimSpace(string(out)) != "30001" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}

// A client that reads no output keeps only its own command waiting.
func TestClientThatDoesNotRead(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	channel, requests, err := client.OpenChannel("session", nil)
	if err != nil {
		t.Fatal(err)
	}
	go ssh.DiscardRequests(requests)
	if ok, err := channel.SendRequest("exec", true, ssh.Marshal(struct{ Line string }{"cat /dev/zero"})); !ok || err != nil {
		t.Fatal(ok, err)
	}
	if out, err := s.session(client).Output("echo ok"); string(out) != "ok\n" || err != nil {
		t.Errorf("another session of the same connection: got %q, %v", out, err)
	}
}

func TestStopCommand(t *testing.T) {
	s := serve(t, nil)
	session := s.session(s.connect())
	in, err := session.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := session.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.RequestSubsystem(contract.Subsystem); err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "what\nstop\n")
	got, err := io.ReadAll(out)
	if want := "error: there is no command \"what\"\nok\n"; string(got) != want || err != nil {
		t.Errorf("got %q, %v, want %q", got, err, want)
	}
	if reason := <-s.stopped; reason == "" {
		t.Error("no reason")
	}
}

// Paths that are not absolute are taken from the job home, for either direction.
func TestRelativeSockets(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	l, err := client.ListenUnix("back")
	if err != nil {
		t.Fatal(err)
	}
	go func() {
		if conn, err := l.Accept(); err == nil {
			io.WriteString(conn, "hello")
			conn.Close()
		}
	}()
	direct, err := net.Dial("unix", filepath.Join(s.Account.Home, "back"))
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	if got, err := io.ReadAll(direct); string(got) != "hello" || err != nil {
		t.Errorf("got %q, %v", got, err)
	}
	forward, err := client.Dial("unix", "sock")
	if err != nil {
		t.Fatal(err)
	}
	defer forward.Close()
	banner := make([]byte, len(contract.Banner()))
	if _, err := io.ReadFull(forward, banner); string(banner) != contract.Banner() || err != nil {
		t.Errorf("got %q, %v", banner, err)
	}
}

// A peer that sends and closes at once loses nothing of what it has sent.
func TestLastWords(t *testing.T) {
	s := serve(t, nil)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	got := make(chan int)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		all, _ := io.ReadAll(conn)
		got <- len(all)
	}()
	conn, err := s.connect().Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	const size = 1 << 20
	if _, err := conn.Write(make([]byte, size)); err != nil {
		t.Fatal(err)
	}
	conn.Close()
	if n := <-got; n != size {
		t.Errorf("%d of %d bytes arrived", n, size)
	}
}

func TestListenersAreBounded(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	request := ssh.Marshal(forwardTCPMsg{"localhost", 0})
	for i := range maxListeners + 1 {
		ok, _, err := client.SendRequest("tcpip-forward", true, request)
		if want := i < maxListeners; ok != want || err != nil {
			t.Fatalf("listener %d: got %v, %v", i, ok, err)
		}
	}
}

func TestSessionsAreBounded(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	for range maxSessions {
		if _, requests, err := client.OpenChannel("session", nil); err != nil {
			t.Fatal(err)
		} else {
			go ssh.DiscardRequests(requests)
		}
	}
	if _, _, err := client.OpenChannel("session", nil); err == nil || !strings.Contains(err.Error(), "has 256 sessions, which is the limit; close some") {
		t.Errorf("one session too many: %v", err)
	}
	if _, _, err := client.OpenChannel("nonesuch", nil); err == nil {
		t.Error("a channel of an unknown type was opened")
	}
}
