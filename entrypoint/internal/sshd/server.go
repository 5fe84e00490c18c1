// Package sshd is the SSH server in a job, on golang.org/x/crypto/ssh alone:
// public keys only; commands, shells and terminals, sftp, all four kinds of
// forwarding, agents, and Perch's own subsystem.
package sshd

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/login"
)

// Activity is told what users do. All methods may be called at any time.
type Activity interface {
	// Enter and Leave enclose each connection of a user; those of Perch
	// itself do not count.
	Enter()
	Leave()
	// Touch says that a byte of a command, terminal or forward has moved.
	Touch()
}

// Config is what a server needs. All fields but the two times, Greeting and Notes must
// be set.
type Config struct {
	HostKey ssh.Signer
	// Authorized are the keys that may log in.
	Authorized []ssh.PublicKey
	Account    login.Account
	Activity   Activity
	// Stop is called when somebody asks the job to end, with the reason. It
	// must not wait for Shutdown.
	Stop func(reason string)
	Log  *log.Logger
	// Greeting returns the lines with which a shell on a terminal begins, each
	// with its line end, or "".
	Greeting func() string
	// Notes returns lines for the next session that begins, each once. nil: none.
	Notes func() []string
	// KeepAlive is the time between two keepalives; a connection that has
	// not answered for four of it is dropped. 0: 30 s.
	KeepAlive time.Duration
	// LoginGrace is how long a login may take. 0: 120 s, as in sshd_config(5).
	LoginGrace time.Duration

	bounds bounds
}

// Bounds on what peers can have at the same time.
const (
	maxLogins    = 64  // connections that have not logged in yet
	maxSessions  = 256 // in one connection
	maxListeners = 128 // for remote forwards, in one connection

	memoryInUse = 192 << 20
	// MemoryLimit is what the whole program should take (debug.SetMemoryLimit).
	MemoryLimit = 256 << 20
)

// bounds are those that a test could hardly reach.
type bounds struct {
	connections int // that have logged in
	channels    int // in one connection
	// silence is how long, at least, processes that hold a command's output open
	// may say nothing after its end before the session ends without them.
	silence time.Duration
	memory  uint64 // in use, in bytes
	// stalls is how long a login has gone on that loses its place where there is
	// none left. Any takes a second or two.
	stalls time.Duration
}

// farewell bounds each step of taking leave of a peer.
const farewell = 500 * time.Millisecond

// Server serves SSH. Make one with New.
type Server struct {
	Config
	ssh     *ssh.ServerConfig
	ctx     context.Context // ends with Shutdown
	cancel  context.CancelFunc
	logins  logins
	agents  *agents
	running sync.WaitGroup

	descriptors descriptors
	weighing    sync.Mutex

	mu    sync.Mutex
	conns map[*conn]bool
}

// New returns a server for Serve.
func New(c Config) *Server {
	if c.KeepAlive == 0 {
		c.KeepAlive = 30 * time.Second
	}
	if c.LoginGrace == 0 {
		c.LoginGrace = 120 * time.Second
	}
	if c.bounds == (bounds{}) {
		c.bounds = bounds{connections: 1024, channels: 1024, silence: 10 * time.Minute, memory: memoryInUse, stalls: 10 * time.Second}
	}
	ctx, cancel := context.WithCancel(context.Background())
	return &Server{
		Config: c,
		ssh:    serverConfig(c.HostKey, c.Authorized),
		ctx:    ctx,
		cancel: cancel,
		agents: newAgents(c.Account.Runtime, c.Log),
		conns:  map[*conn]bool{},
	}
}

// Serve accepts connections from l until Shutdown, or until accepting fails for
// good; then it says why. It closes l.
func (s *Server) Serve(l net.Listener) error {
	defer l.Close()
	defer context.AfterFunc(s.ctx, func() { l.Close() })()
	err := accept(l, s.Log, s.admit)
	if s.ctx.Err() != nil {
		return nil
	}
	return err
}

// admit starts a login unless too many are going on.
func (s *Server) admit(raw net.Conn) {
	stalled, ok := s.logins.begin(raw, maxLogins, s.bounds.stalls)
	if stalled != nil {
		s.Log.Printf("a login that has gone on for more than %v gives its place to another", s.bounds.stalls)
		stalled.Close()
	}
	if ok {
		s.running.Go(func() { s.serve(raw) })
		return
	}
	s.Log.Printf("refusing a connection: %d logins are going on", maxLogins)
	raw.SetWriteDeadline(time.Now().Add(farewell))
	io.WriteString(raw, contract.Refusal+"too many logins are going on; try again in a moment\r\n")
	raw.Close()
}

// serve serves one connection from its first byte to its last.
func (s *Server) serve(raw net.Conn) {
	defer raw.Close()
	stop := context.AfterFunc(s.ctx, func() { raw.Close() }) // only while it logs in
	c, channels, requests, err := s.login(raw)
	s.logins.end(raw)
	if err != nil {
		stop()
		s.logRefused(err)
		return
	}
	if refusal := s.add(c); refusal != "" {
		stop()
		go ssh.DiscardRequests(requests)
		go func() {
			for channel := range channels {
				_ = channel.Reject(ssh.ResourceShortage, refusal)
			}
		}()
		c.dismiss(refusal)
		return
	}
	stop()
	c.serve(channels, requests)
}

// add notes a connection that has logged in. Once the server shuts down, or
// when there are too many, it does not, and says so.
func (s *Server) add(c *conn) (refusal string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.ctx.Err() != nil {
		return "the job ends"
	}
	if n := len(s.conns); n >= s.bounds.connections {
		return fmt.Sprintf("the job has %d connections, which is the limit; close some", n)
	}
	if refusal := c.take(socketDescriptors); refusal != "" {
		return refusal
	}
	s.conns[c] = true
	return ""
}

func (s *Server) remove(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.conns, c)
	c.give(socketDescriptors)
}

// Shutdown ends all connections: each terminal and each other session gets a
// line with the reason, each client an SSH disconnect with it. It takes no
// longer than about two seconds, whatever the peers do. Processes go on.
func (s *Server) Shutdown(reason string) {
	s.cancel()
	s.mu.Lock()
	var told sync.WaitGroup
	for c := range s.conns {
		told.Go(func() { c.end(reason) })
	}
	s.mu.Unlock()
	told.Wait()
	within(farewell, s.running.Wait)
	s.agents.close()
}

// within waits for f, but not longer than d.
func within(d time.Duration, f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(d):
	}
}
