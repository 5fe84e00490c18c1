package sshd

import (
	"context"
	"fmt"
	"net"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
)

// conn is a connection that has logged in.
type conn struct {
	server  *Server
	raw     net.Conn
	ssh     *ssh.ServerConn
	control bool // Perch's own, which may use its subsystem and nothing else
	ctx     context.Context
	cancel  context.CancelFunc
	tasks   sync.WaitGroup

	channels atomic.Int32 // open ones

	mu           sync.Mutex
	sessions     map[*session]bool
	inputs       map[*input]bool
	sessionCount int // with those that are not in sessions yet
	listeners    map[string]*listener
	noticed      map[string]bool // lines that the user was shown or is to be
	notices      []string        // those that wait for a session
}

func newConn(s *Server, raw net.Conn, peer *ssh.ServerConn) *conn {
	ctx, cancel := context.WithCancel(context.Background())
	return &conn{
		server:    s,
		raw:       raw,
		ssh:       peer,
		control:   peer.User() == contract.ControlUser,
		ctx:       ctx,
		cancel:    cancel,
		sessions:  map[*session]bool{},
		inputs:    map[*input]bool{},
		listeners: map[string]*listener{},
		noticed:   map[string]bool{},
	}
}

// serve serves the connection until its end.
func (c *conn) serve(channels <-chan ssh.NewChannel, requests <-chan *ssh.Request) {
	defer c.tasks.Wait()
	defer c.server.remove(c)
	defer c.server.agents.remove(c)
	defer c.closeListeners()
	defer c.cancel()
	if !c.control {
		c.server.Activity.Enter()
		defer c.server.Activity.Leave()
	}
	c.do(c.keepAlive)
	for open := true; open; {
		var channel ssh.NewChannel
		select {
		case request := <-requests:
			c.answer(request)
			continue
		case channel, open = <-channels:
		}
		// What x/crypto has read before the channel waits already: a command may
		// use at once what its client has asked for.
		for len(requests) > 0 {
			c.answer(<-requests)
		}
		if open {
			c.admit(channel)
		}
	}
	c.logEnd()
}

// do runs f beside the rest of the connection.
func (c *conn) do(f func()) {
	c.tasks.Go(func() { c.contain(f) })
}

// contain runs f. A panic in it costs this connection and no other.
func (c *conn) contain(f func()) {
	defer func() {
		if r := recover(); r != nil {
			c.server.Log.Printf("internal error, dropping the connection: %v\n%s", r, debug.Stack())
			c.raw.Close()
		}
	}()
	f()
}

// enter says that somebody else works on the connection, unless it ends; the
// caller says tasks.Done. The lock is that of closeListeners, which comes
// between the end of the context and the wait for all tasks.
func (c *conn) enter() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.ctx.Err() != nil {
		return false
	}
	c.tasks.Add(1)
	return true
}

// touch notes that a byte has moved.
func (c *conn) touch() { c.server.Activity.Touch() }

// takeChannel counts a channel, and what it may hold of descriptors, unless there
// are too many; then it says so.
func (c *conn) takeChannel(descriptors int) (refusal string) {
	if most := c.server.bounds.channels; int(c.channels.Add(1)) > most {
		refusal = fmt.Sprintf("this connection has %d channels, which is the limit; close some, or use another connection", most)
	} else if refusal = c.take(descriptors); refusal == "" {
		return ""
	}
	c.channels.Add(-1)
	return refusal
}

func (c *conn) leaveChannel(descriptors int) {
	c.give(descriptors)
	c.channels.Add(-1)
}

// take takes descriptors for the connection. Perch's own are few, and have to
// get through to end a job that is full.
func (c *conn) take(descriptors int) (refusal string) {
	if c.control {
		return ""
	}
	refusal = c.server.descriptors.take(descriptors)
	if refusal != "" {
		c.server.Log.Printf("refusing something to %q: %s", c.ssh.User(), refusal)
	}
	return refusal
}

// full says why no file may be opened that is not counted otherwise, else "".
func (c *conn) full() (refusal string) {
	if refusal = c.take(1); refusal == "" {
		c.give(1)
	}
	return refusal
}

func (c *conn) give(descriptors int) {
	if !c.control {
		c.server.descriptors.give(descriptors)
	}
}

// admit starts serving a channel unless the peer has too many.
func (c *conn) admit(channel ssh.NewChannel) {
	descriptors := socketDescriptors
	if channel.ChannelType() == "session" {
		descriptors = sessionDescriptors
	}
	if refusal := c.takeChannel(descriptors); refusal != "" {
		channel.Reject(ssh.ResourceShortage, refusal)
		return
	}
	c.do(func() {
		defer c.leaveChannel(descriptors)
		c.open(channel)
	})
}

// open serves a channel that the peer opens (RFC 4254, 5.1), until its end.
func (c *conn) open(channel ssh.NewChannel) {
	kind := channel.ChannelType()
	switch {
	case kind == "session":
		c.openSession(channel)
	case c.control:
		channel.Reject(ssh.Prohibited, "this user may open perch's subsystem only")
	case kind == "direct-tcpip":
		c.openDirectTCP(channel)
	case kind == "direct-streamlocal@openssh.com":
		c.openDirectUnix(channel)
	default:
		channel.Reject(ssh.UnknownChannelType, "channels of this type are not known")
	}
}

// answer carries out a global request of the peer's (RFC 4254, 4), and says so.
// There is none where the connection has ended.
func (c *conn) answer(request *ssh.Request) {
	if request != nil {
		c.contain(func() { request.Reply(c.carryOut(request)) })
	}
}

func (c *conn) carryOut(request *ssh.Request) (ok bool, reply []byte) {
	if c.control {
		return false, nil
	}
	switch request.Type {
	case "tcpip-forward":
		return c.forwardTCP(request.Payload)
	case "cancel-tcpip-forward":
		return c.cancelTCP(request.Payload), nil
	case "streamlocal-forward@openssh.com":
		return c.forwardUnix(request.Payload), nil
	case "cancel-streamlocal-forward@openssh.com":
		return c.cancelUnix(request.Payload), nil
	}
	// Keepalives of the peer come here too: any answer will do. So does
	// no-more-sessions@openssh.com: x/crypto keeps no order between it and the
	// session that was opened just before, so obeying might refuse that one.
	return false, nil
}

// keepAlive drops a peer that does not answer for four keepalives.
func (c *conn) keepAlive() {
	ticker := time.NewTicker(c.server.KeepAlive)
	defer ticker.Stop()
	for {
		select {
		case <-c.ctx.Done():
			return
		case <-ticker.C:
		}
		answered := make(chan struct{})
		c.do(func() {
			defer close(answered)
			c.ssh.SendRequest("keepalive@openssh.com", true, nil)
		})
		select {
		case <-c.ctx.Done():
			return
		case <-answered:
		case <-time.After(4 * c.server.KeepAlive):
			c.server.Log.Printf("%q does not answer any more, dropping the connection", c.ssh.User())
			c.raw.Close()
			return
		}
	}
}

// end tells everybody in the connection why it ends, and ends it.
func (c *conn) end(reason string) {
	defer c.raw.Close()
	c.raw.SetWriteDeadline(time.Now().Add(2 * farewell))
	within(farewell, func() {
		c.tell("perch: the job ends: " + reason)
		// OpenSSH's client drops what it has not shown yet when it reads a
		// disconnect. Its answer to this comes after it has shown the line.
		c.ssh.SendRequest("keepalive@openssh.com", true, nil)
	})
	c.dismiss(reason)
}

// dismiss sends a disconnect with the reason, and has the peer read it.
func (c *conn) dismiss(reason string) {
	within(farewell, func() { disconnect(c.ssh, reason) })
	// A peer that is writing just now reads the reason only if it can go on
	// writing until it has.
	if half, ok := c.raw.(interface{ CloseWrite() error }); ok {
		half.CloseWrite()
		within(farewell, func() { c.ssh.Wait() })
	}
}

// tell shows line in all sessions.
func (c *conn) tell(line string) {
	if c.control {
		return
	}
	var told sync.WaitGroup
	c.mu.Lock()
	for s := range c.sessions {
		told.Go(func() { s.tell(line) })
	}
	c.mu.Unlock()
	told.Wait()
}
