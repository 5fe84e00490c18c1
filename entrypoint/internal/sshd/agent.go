package sshd

import (
	"context"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/internal/sockpath"
)

// agentName is the name of the agents' socket in the runtime directory.
const agentName = "agent"

// agents is the job's one socket for SSH_AUTH_SOCK (OpenSSH's PROTOCOL.agent).
// It leads to the agent of the newest connection that forwards one, and to that
// of an older one when that is gone: a terminal in tmux, or of an IDE, outlives
// the connection in which it was opened, and keeps its environment. Everybody
// who can log in is the same user, so that no connection gains by this.
type agents struct {
	path string
	log  *log.Logger

	mu       sync.Mutex
	listener net.Listener
	conns    []*conn // the oldest first
}

// add has c's agent serve the socket, and returns the socket's path.
func (a *agents) add(c *conn) (string, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.open(); err != nil {
		return "", err
	}
	if !slices.Contains(a.conns, c) {
		a.conns = append(a.conns, c)
	}
	return a.path, nil
}

// open makes the socket unless it is there. Some places have it cleaned away.
func (a *agents) open() error {
	if _, err := os.Lstat(a.path); err == nil && a.listener != nil {
		return nil
	}
	a.shut()
	l, err := sockpath.Listen(a.path)
	if err != nil {
		return err
	}
	a.listener = l
	go func() {
		if err := accept(l, a.log, func(from net.Conn) { go a.serve(from) }); err != nil {
			a.log.Printf("the agents' socket: %v", err)
		}
	}()
	return nil
}

// serve connects somebody in the job to the newest agent that answers.
func (a *agents) serve(from net.Conn) {
	a.mu.Lock()
	conns := slices.Clone(a.conns)
	a.mu.Unlock()
	for _, c := range slices.Backward(conns) {
		if c.offerAgent(from.(duplex)) {
			return
		}
	}
	from.Close()
}

// remove takes out a connection that ends.
func (a *agents) remove(c *conn) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.conns = slices.DeleteFunc(a.conns, func(other *conn) bool { return other == c })
}

// close removes the socket; the caller is the server's end.
func (a *agents) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.shut()
}

func (a *agents) shut() {
	if a.listener != nil {
		a.listener.Close()
		a.listener = nil
	}
	os.Remove(a.path)
}

func newAgents(runtime string, log *log.Logger) *agents {
	return &agents{path: filepath.Join(runtime, agentName), log: log}
}

// agentPatience is how long a peer may take to open a channel to its agent
// before an older one is asked: a connection whose network is gone looks alive
// for a while.
const agentPatience = 5 * time.Second

// offerAgent opens a channel to the peer's agent for a connection from the
// job's side, and says whether the peer took it.
func (c *conn) offerAgent(from duplex) bool {
	if !c.enter() {
		return false
	}
	defer c.tasks.Done()
	if refusal := c.takeChannel(socketDescriptors); refusal != "" {
		c.notice("not asking the forwarded agent: %s", refusal)
		return false
	}
	answer := make(chan ssh.Channel) // nil: the peer has no agent
	waiting, cancel := context.WithTimeout(c.ctx, agentPatience)
	defer cancel()
	c.do(func() {
		defer c.leaveChannel(socketDescriptors)
		channel, requests, err := c.ssh.OpenChannel("auth-agent@openssh.com", nil)
		select {
		case answer <- channel:
			if err == nil {
				c.relay(channel, requests, from)
			}
		case <-waiting.Done():
			if err == nil {
				channel.Close()
			}
		}
	})
	select {
	case channel := <-answer:
		return channel != nil
	case <-waiting.Done():
		return false
	}
}
