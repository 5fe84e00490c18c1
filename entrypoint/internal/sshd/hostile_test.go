package sshd

import (
	"crypto/rand"
	"fmt"
	"io"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
)

// wantServed checks that a session of a connection works.
func (s *service) wantServed(client *ssh.Client) {
	s.t.Helper()
	if out, err := s.session(client).Output("echo ok"); string(out) != "ok\n" || err != nil {
		s.t.Errorf("somebody else: got %q, %v", out, err)
	}
}

// Whatever somebody says instead of SSH costs that connection and no other.
func TestGarbage(t *testing.T) {
	s := serve(t, nil)
	other := s.connect()
	random := make([]byte, 1<<20)
	rand.Read(random)
	const banner = "SSH-2.0-x\r\n"
	for name, said := range map[string]string{
		"no SSH":             "GET / HTTP/1.1\r\n\r\n" + strings.Repeat("x", 1<<20),
		"a line without end": "SSH-2.0-" + strings.Repeat("x", 1<<20),
		"noise":              banner + string(random),
		"a packet too large": banner + "\xff\xff\xff\xff" + strings.Repeat("x", 1<<20),
		"an empty packet":    banner + "\x00\x00\x00\x00" + strings.Repeat("\x00", 1<<10),
	} {
		t.Run(name, func(t *testing.T) {
			raw := s.dial()
			defer raw.Close()
			go io.WriteString(raw, said) // fails where the server has had enough
			wantClosed(t, raw)
			s.wantServed(other)
		})
	}
	s.wantServed(s.connect())
}

// After the login, too: requests without end cost their own connection alone.
func TestFloods(t *testing.T) {
	s := serve(t, nil)
	other, flooder := s.connect(), s.connect()
	for i := range 2000 {
		if _, _, err := flooder.SendRequest(fmt.Sprint("nonesuch", i), false, make([]byte, 1000)); err != nil {
			t.Fatal(err)
		}
	}
	channel, _ := s.raw(flooder)
	for range 2000 {
		if _, err := channel.SendRequest("env", false, ssh.Marshal(struct{ Name, Value string }{"A", strings.Repeat("x", 1000)})); err != nil {
			t.Fatal(err)
		}
	}
	s.wantServed(flooder)
	s.wantServed(other)
}

// Who is refused since too many logins go on is told so.
func TestTooManyLoginsAreTold(t *testing.T) {
	s := serve(t, nil)
	for range maxLogins {
		raw := s.dial()
		defer raw.Close()
	}
	eventually(t, "all logins go on", func() bool { return s.logins.count() == maxLogins })
	one := s.dial()
	defer one.Close()
	if got, err := io.ReadAll(one); !strings.HasPrefix(string(got), "perch: too many logins") || err != nil {
		t.Errorf("got %q, %v, not %q", got, err, contract.Banner())
	}
}

// Whoever fills channels that nobody reads is the one who goes, not the job.
func TestHoldsTooMuch(t *testing.T) {
	// More than the flooder has, and each is read.
	t.Run("unread", func(t *testing.T) {
		holdsTooMuch(t, floodedChannels+1, func(s *service, flooder *ssh.Client) io.Writer {
			channel, requests := s.raw(flooder)
			go ssh.DiscardRequests(requests)
			return channel
		})
	})
	// It is for commands' errors, and nobody reads it here.
	t.Run("beside what is read", func(t *testing.T) {
		holdsTooMuch(t, 1, func(s *service, flooder *ssh.Client) io.Writer {
			channel, requests := s.raw(flooder)
			go ssh.DiscardRequests(requests)
			runIn(t, channel, "cat")
			return channel.Stderr()
		})
	})
}

const floodedChannels = 60

// holdsTooMuch has a peer fill channels, and another one with some that it does
// not fill.
func holdsTooMuch(t *testing.T, others int, open func(*service, *ssh.Client) io.Writer) {
	const memory = 64 << 20
	s := serve(t, func(c *Config) {
		c.bounds = bounds{connections: 9, channels: floodedChannels + 2, silence: time.Hour, memory: memory}
	})
	other, flooder := s.connect(), s.connect()
	for range others {
		channel, requests := s.raw(other)
		go ssh.DiscardRequests(requests)
		runIn(t, channel, "cat")
	}
	gone := make(chan error, 1)
	go func() { gone <- flooder.Wait() }()
	var opened []io.Writer
	for range floodedChannels {
		opened = append(opened, open(s, flooder))
	}
	var sent sync.WaitGroup
	for _, to := range opened {
		sent.Go(func() { to.Write(make([]byte, 2<<20)) })
	}
	if err := <-gone; err == nil || !strings.Contains(err.Error(), "holds 64 MiB that nobody in the job reads") {
		t.Errorf("got %v", err)
	}
	sent.Wait()
	s.wantServed(other)
	runtime.GC()
	if n := inUse(); n > memory {
		t.Errorf("%d MiB are in use", n>>20)
	}
}
