package sshd

import (
	"crypto/ed25519"
	"errors"
	"io"
	"log"
	"net"
	"os"
	"path/filepath"
	"runtime"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/login"
	"perch/entrypoint/internal/reap"
	"perch/entrypoint/internal/sockpath"
)

// counter is an Activity that counts.
type counter struct{ here, moved atomic.Int64 }

func (c *counter) Enter() { c.here.Add(1) }
func (c *counter) Leave() { c.here.Add(-1) }
func (c *counter) Touch() { c.moved.Add(1) }

// service is a server in this process, on a socket.
type service struct {
	*Server
	t        *testing.T
	path     string
	user     ssh.Signer
	activity *counter
	stopped  chan string
}

func newPrivate(t testing.TB) ed25519.PrivateKey {
	t.Helper()
	_, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	return private
}

func newSigner(t testing.TB) ssh.Signer {
	t.Helper()
	signer, err := ssh.NewSignerFromKey(newPrivate(t))
	if err != nil {
		t.Fatal(err)
	}
	return signer
}

// serve starts a server; change may set what is special about it.
func serve(t *testing.T, change func(*Config)) *service {
	t.Helper()
	home := t.TempDir()
	s := &service{t: t, path: filepath.Join(home, "sock"), user: newSigner(t), activity: &counter{}, stopped: make(chan string, 1)}
	config := Config{
		HostKey:    newSigner(t),
		Authorized: []ssh.PublicKey{s.user.PublicKey()},
		Account:    login.Account{Name: "alice", Shell: "/bin/sh", Home: home, Tmp: home, Runtime: home},
		Activity:   s.activity,
		Stop:       func(reason string) { s.stopped <- reason },
		Log:        log.New(testLog{t}, "", 0),
	}
	if change != nil {
		change(&config)
	}
	l, err := sockpath.Listen(s.path)
	if err != nil {
		t.Fatal(err)
	}
	s.Server = New(config)
	served := make(chan error)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		s.Shutdown("the test ends")
		if err := <-served; err != nil {
			t.Errorf("serving: %v", err)
		}
		reap.Sweep("XDG_RUNTIME_DIR=" + config.Account.Runtime) // there is no init here
	})
	return s
}

// testLog shows the server's log in a failed test.
type testLog struct{ t *testing.T }

func (l testLog) Write(p []byte) (int, error) {
	if l.t.Context().Err() == nil {
		l.t.Logf("server: %s", p)
	}
	return len(p), nil
}

func (s *service) dial() net.Conn {
	s.t.Helper()
	raw, err := net.Dial("unix", s.path)
	if err != nil {
		s.t.Fatal(err)
	}
	return raw
}

// connect logs in with x/crypto's client.
func (s *service) connect() *ssh.Client {
	s.t.Helper()
	return s.connectOver(s.dial())
}

func (s *service) connectOver(raw net.Conn) *ssh.Client {
	s.t.Helper()
	return s.connectAs("alice", raw)
}

func (s *service) connectAs(user string, raw net.Conn) *ssh.Client {
	s.t.Helper()
	conn, channels, requests, err := ssh.NewClientConn(raw, "", &ssh.ClientConfig{
		User:            user,
		Auth:            []ssh.AuthMethod{ssh.PublicKeys(s.user)},
		HostKeyCallback: ssh.FixedHostKey(s.HostKey.PublicKey()),
	})
	if err != nil {
		s.t.Fatal(err)
	}
	client := ssh.NewClient(conn, channels, requests)
	s.t.Cleanup(func() { client.Close() })
	return client
}

func (s *service) session(client *ssh.Client) *ssh.Session {
	s.t.Helper()
	session, err := client.NewSession()
	if err != nil {
		s.t.Fatal(err)
	}
	s.t.Cleanup(func() { session.Close() })
	return session
}

func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

// wantClosed reads until the server closes.
func wantClosed(t *testing.T, raw net.Conn) {
	t.Helper()
	raw.SetReadDeadline(time.Now().Add(30 * time.Second))
	if _, err := io.Copy(io.Discard, raw); errors.Is(err, os.ErrDeadlineExceeded) {
		t.Error("the server does not drop the connection")
	}
}

// Who connects and says nothing is dropped after the login grace time.
func TestLoginGrace(t *testing.T) {
	s := serve(t, func(c *Config) { c.LoginGrace = 20 * time.Millisecond })
	raw := s.dial()
	defer raw.Close()
	wantClosed(t, raw)
}

// Who does not log in cannot keep others from it for ever.
func TestTooManyLogins(t *testing.T) {
	s := serve(t, nil)
	var raws []net.Conn
	for range maxLogins {
		raws = append(raws, s.dial())
	}
	eventually(t, "all logins go on", func() bool { return s.logins.count() == maxLogins })
	one := s.dial()
	defer one.Close()
	wantClosed(t, one)
	for _, raw := range raws {
		raw.Close()
	}
	eventually(t, "they are over", func() bool { return s.logins.count() == 0 })
	s.connect()
}

// A login that stalls loses its place when there is no other.
func TestStalledLogin(t *testing.T) {
	s := serve(t, func(c *Config) {
		c.bounds = bounds{connections: 9, channels: 9, silence: time.Hour, memory: memoryInUse, stalls: time.Nanosecond}
	})
	var raws []net.Conn
	for range maxLogins {
		raw := s.dial()
		defer raw.Close()
		raws = append(raws, raw)
	}
	eventually(t, "all logins go on", func() bool { return s.logins.count() == maxLogins })
	s.wantServed(s.connect())
	wantClosed(t, raws[0])
	if n := s.logins.count(); n != maxLogins-1 {
		t.Errorf("%d logins go on, want all but the oldest", n)
	}
}

// stalling is a connection that can be made to take no more.
type stalling struct {
	net.Conn
	stalled atomic.Bool
}

func (c *stalling) Read(p []byte) (int, error) {
	n, err := c.Conn.Read(p)
	for c.stalled.Load() {
		time.Sleep(time.Millisecond)
	}
	return n, err
}

// A peer that is there but does not answer is dropped, and so is one that has
// a shell full of output on its hands; others notice nothing.
func TestKeepAlive(t *testing.T) {
	s := serve(t, func(c *Config) { c.KeepAlive = 25 * time.Millisecond })
	raw := &stalling{Conn: s.dial()}
	defer raw.stalled.Store(false)
	client := s.connectOver(raw)
	session := s.session(client)
	if err := session.Start("cat /dev/zero"); err != nil {
		t.Fatal(err)
	}
	eventually(t, "somebody is here", func() bool { return s.activity.here.Load() == 1 })
	raw.stalled.Store(true)
	if out, err := s.session(s.connect()).Output("echo ok"); string(out) != "ok\n" || err != nil {
		t.Errorf("another connection: got %q, %v", out, err)
	}
	eventually(t, "the stalled peer is dropped", func() bool { return s.activity.here.Load() <= 1 })
}

// A peer that answers is not dropped, however long it is silent otherwise.
func TestKeptAlive(t *testing.T) {
	s := serve(t, func(c *Config) { c.KeepAlive = 250 * time.Millisecond })
	client := s.connect()
	out, err := s.session(client).Output("sleep 1.5; echo ok")
	if string(out) != "ok\n" || err != nil {
		t.Errorf("got %q, %v", out, err)
	}
}

// Perch's own connections are not users.
func TestActivity(t *testing.T) {
	s := serve(t, nil)
	client := s.connect()
	eventually(t, "somebody is here", func() bool { return s.activity.here.Load() == 1 })
	before := s.activity.moved.Load()
	if err := s.session(client).Run("echo"); err != nil {
		t.Fatal(err)
	}
	if s.activity.moved.Load() == before {
		t.Error("output did not count as movement")
	}
	client.Close()
	eventually(t, "nobody is here", func() bool { return s.activity.here.Load() == 0 })
	s.connectAs(contract.ControlUser, s.dial())
	eventually(t, "it has logged in", func() bool { s.mu.Lock(); defer s.mu.Unlock(); return len(s.conns) == 1 })
	if n := s.activity.here.Load(); n != 0 {
		t.Errorf("Perch's own connection counts as %d users", n)
	}
}

// Nothing stays of connections: no goroutine and no descriptor.
func TestNothingLeaks(t *testing.T) {
	s := serve(t, nil)
	descriptors := func() int {
		open, _ := os.ReadDir("/proc/self/fd")
		return len(open)
	}
	use := func() {
		client := s.connect()
		s.session(client).Run("exit 3")
		interactive := s.session(client)
		interactive.RequestPty("xterm", 24, 80, nil)
		interactive.Shell()
		l, err := client.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		if conn, err := client.Dial("tcp", l.Addr().String()); err != nil {
			t.Fatal(err)
		} else {
			defer conn.Close()
		}
		client.Dial("unix", "/nonesuch")
		client.Close() // in the middle of everything
	}
	use()
	eventually(t, "the first is gone", func() bool { return s.activity.here.Load() == 0 })
	goroutines, open := runtime.NumGoroutine(), descriptors()
	rounds := 500
	if testing.Short() {
		rounds = 20
	}
	for range rounds {
		use()
	}
	eventually(t, "there are as many goroutines and descriptors as before", func() bool {
		return runtime.NumGoroutine() <= goroutines && descriptors() <= open
	})
}
