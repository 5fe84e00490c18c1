package sshd

import (
	"bufio"
	"bytes"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"perch/entrypoint/contract"
)

// TestChannelsAreBounded: one too many is told so, and costs the others nothing.
func TestChannelsAreBounded(t *testing.T) {
	s := serve(t, func(c *Config) {
		c.bounds = bounds{connections: 9, channels: 3, silence: time.Hour, memory: memoryInUse}
	})
	client := s.connect()
	for range 3 {
		s.raw(client)
	}
	_, err := client.NewSession()
	if err == nil || !strings.Contains(err.Error(), "has 3 channels, which is the limit; close some, or use another connection") {
		t.Errorf("one channel too many: %v", err)
	}
	if _, _, err := client.SendRequest("keepalive@openssh.com", true, nil); err != nil {
		t.Errorf("the connection has ended: %v", err)
	}
	s.wantServed(s.connect())
}

// TestConnectionsAreBounded: one too many is told so by the disconnect, and the
// place of one that ends is free.
func TestConnectionsAreBounded(t *testing.T) {
	s := serve(t, func(c *Config) {
		c.bounds = bounds{connections: 2, channels: 9, silence: time.Hour, memory: memoryInUse}
	})
	logged := func(n int) {
		t.Helper()
		eventually(t, "the server knows who is in", func() bool {
			s.mu.Lock()
			defer s.mu.Unlock()
			return len(s.conns) == n
		})
	}
	first, second := s.connect(), s.connect()
	logged(2)
	refused := s.connect()
	if err := refused.Wait(); err == nil || !strings.Contains(err.Error(), "has 2 connections, which is the limit; close some") {
		t.Errorf("one connection too many: %v", err)
	}
	s.wantServed(first)
	second.Close()
	logged(1)
	s.wantServed(s.connect())
}

// TestRefusalsAreShown: what SSH refuses without a word stands on the session's
// standard error.
func TestRefusalsAreShown(t *testing.T) {
	s := serve(t, nil)
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	blocked := filepath.Join(t.TempDir(), "blocked")
	if err := os.WriteFile(blocked, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	port := uint32(taken.Addr().(*net.TCPAddr).Port)
	for want, ask := range map[string]func(*ssh.Client, *ssh.Session){
		"refusing a remote forward: listen tcp 127.0.0.1": func(c *ssh.Client, _ *ssh.Session) {
			c.SendRequest("tcpip-forward", true, ssh.Marshal(forwardTCPMsg{"localhost", port}))
		},
		"not a directory": func(c *ssh.Client, _ *ssh.Session) {
			c.SendRequest("streamlocal-forward@openssh.com", true, ssh.Marshal(forwardUnixMsg{blocked + "/sock"}))
		},
		"dropping some of the variables that are sent: a session takes 512 with 256 KiB": func(_ *ssh.Client, session *ssh.Session) {
			session.Setenv("LC_BIG", strings.Repeat("x", 100<<10))
			session.Setenv("LC_TOO", strings.Repeat("x", 100<<10))
			session.Setenv("LC_MUCH", strings.Repeat("x", 100<<10))
		},
	} {
		client := s.connect()
		session := s.session(client)
		ask(client, session)
		var said bytes.Buffer
		session.Stderr = &said
		if err := session.Run("true"); err != nil || strings.Count(said.String(), want) != 1 || !strings.HasPrefix(said.String(), "perch: ") {
			t.Errorf("got %q, %v; want %q", &said, err, want)
		}
	}
}

// TestAgentRefusalIsShown: nobody can make the agents' socket.
func TestAgentRefusalIsShown(t *testing.T) {
	s := serve(t, func(c *Config) { c.Account.Runtime = filepath.Join(c.Account.Home, "nonesuch") })
	session := s.session(s.connect())
	if ok, err := session.SendRequest("auth-agent-req@openssh.com", true, nil); ok || err != nil {
		t.Fatalf("got %v, %v", ok, err)
	}
	var said bytes.Buffer
	session.Stderr = &said
	if err := session.Run("true"); err != nil || !strings.Contains(said.String(), "perch: the agent is not forwarded: ") {
		t.Errorf("got %q, %v", &said, err)
	}
}

// TestRefusedConnectionsAreShown: what comes from the job's side has nobody else to
// be told.
func TestRefusedConnectionsAreShown(t *testing.T) {
	s := serve(t, func(c *Config) {
		c.bounds = bounds{connections: 9, channels: 1, silence: time.Hour, memory: memoryInUse}
	})
	client := s.connect()
	session := s.session(client)
	if err := agent.RequestAgentForwarding(session); err != nil {
		t.Fatal(err)
	}
	forwarded, err := client.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	said, err := session.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := session.Start("sleep 60"); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewScanner(said)
	wants := func(want string) {
		t.Helper()
		if !lines.Scan() || lines.Text() != "perch: "+want+": this connection has 1 channels, which is the limit; close some, or use another connection" {
			t.Errorf("got %q, %v; want %q", lines.Text(), lines.Err(), want)
		}
	}
	refused, err := net.Dial("tcp", forwarded.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer refused.Close()
	wants("refusing a connection to what is forwarded")
	if key := keyIn(filepath.Join(s.Account.Runtime, agentName)); key != "" {
		t.Errorf("the agent answers with %q", key)
	}
	wants("not asking the forwarded agent")
}

// TestNotesAreForUsers: Perch's own connections take no notes away, and who comes
// second is told none.
func TestNotesAreForUsers(t *testing.T) {
	notes := make(chan string, 1)
	notes <- "note: something is odd"
	s := serve(t, func(c *Config) {
		c.Notes = func() []string {
			select {
			case note := <-notes:
				return []string{note}
			default:
				return nil
			}
		}
	})
	control := s.session(s.connectAs(contract.ControlUser, s.dial()))
	in, err := control.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	answer, err := control.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := control.RequestSubsystem(contract.Subsystem); err != nil {
		t.Fatal(err)
	}
	io.WriteString(in, "what\n")
	if lines := bufio.NewScanner(answer); !lines.Scan() { // it has begun
		t.Fatalf("no answer: %v", lines.Err())
	}
	for _, want := range []string{"perch: note: something is odd\n", ""} {
		session := s.session(s.connect())
		var said bytes.Buffer
		session.Stderr = &said
		if err := session.Run("true"); err != nil || said.String() != want {
			t.Errorf("got %q, %v; want %q", &said, err, want)
		}
	}
}
