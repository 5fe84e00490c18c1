package sshd

import (
	"fmt"
	"net"
	"os"
	"strconv"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/internal/sockpath"
)

// listener is a socket in the job whose connections go to the peer.
type listener struct {
	net.Listener
	path string // removed at the end, where it is a unix socket
}

func (l *listener) close() {
	l.Listener.Close()
	if l.path != "" {
		os.Remove(l.path)
	}
}

// forwardTCPMsg is "tcpip-forward" and its cancellation (RFC 4254, 7.1).
type forwardTCPMsg struct {
	Host string
	Port uint32
}

// forwardedTCPMsg opens "forwarded-tcpip" (RFC 4254, 7.2).
type forwardedTCPMsg struct {
	Host       string
	Port       uint32
	Origin     string
	OriginPort uint32
}

// forwardUnixMsg is "streamlocal-forward@openssh.com" and its cancellation
// (OpenSSH's PROTOCOL, 2.4); forwardedUnixMsg opens a channel for it.
type forwardUnixMsg struct{ Path string }

type forwardedUnixMsg struct{ Path, Reserved string }

func parseForwardTCP(payload []byte) (forwardTCPMsg, error) {
	var m forwardTCPMsg
	if err := ssh.Unmarshal(payload, &m); err != nil {
		return m, err
	}
	return m, checkPort(m.Port)
}

func parseForwardUnix(payload []byte) (forwardUnixMsg, error) {
	var m forwardUnixMsg
	if err := ssh.Unmarshal(payload, &m); err != nil {
		return m, err
	}
	return m, checkPath(m.Path)
}

func tcpKey(m forwardTCPMsg) string {
	return "tcp " + net.JoinHostPort(m.Host, strconv.Itoa(int(m.Port)))
}

// forwardTCP listens for the peer on the loopback interface, whatever address
// it names: other machines are not let in (as sshd_config(5) has it by default,
// GatewayPorts no). The reply has the port, where the peer left it to us.
func (c *conn) forwardTCP(payload []byte) (ok bool, reply []byte) {
	m, err := parseForwardTCP(payload)
	if err != nil {
		return false, nil
	}
	host := "127.0.0.1"
	if m.Host == "::1" {
		host = m.Host
	}
	l, err := net.Listen("tcp", net.JoinHostPort(host, strconv.Itoa(int(m.Port))))
	if err != nil {
		c.notice("refusing a remote forward: %v", err)
		return false, nil
	}
	if m.Port == 0 {
		m.Port = uint32(l.Addr().(*net.TCPAddr).Port)
		reply = ssh.Marshal(struct{ Port uint32 }{m.Port})
	}
	ok = c.listen(tcpKey(m), &listener{Listener: l}, "forwarded-tcpip", func(from net.Conn) []byte {
		origin := from.RemoteAddr().(*net.TCPAddr)
		return ssh.Marshal(forwardedTCPMsg{m.Host, m.Port, origin.IP.String(), uint32(origin.Port)})
	})
	return ok, reply
}

func (c *conn) cancelTCP(payload []byte) bool {
	m, err := parseForwardTCP(payload)
	return err == nil && c.unlisten(tcpKey(m))
}

func (c *conn) forwardUnix(payload []byte) bool {
	m, err := parseForwardUnix(payload)
	if err != nil {
		return false
	}
	path := c.absolute(m.Path)
	l, err := sockpath.Listen(path)
	if err != nil {
		c.notice("refusing a remote forward: %v", err)
		return false
	}
	return c.listen("unix "+m.Path, &listener{l, path}, "forwarded-streamlocal@openssh.com", func(net.Conn) []byte {
		return ssh.Marshal(forwardedUnixMsg{Path: m.Path})
	})
}

func (c *conn) cancelUnix(payload []byte) bool {
	m, err := parseForwardUnix(payload)
	return err == nil && c.unlisten("unix "+m.Path)
}

// listen opens a channel of the given kind to the peer for each connection that
// l accepts, until unlisten or the end of the connection.
func (c *conn) listen(key string, l *listener, kind string, payload func(net.Conn) []byte) bool {
	if refusal := c.addListener(key, l); refusal != "" {
		l.close()
		if c.ctx.Err() == nil {
			c.notice("refusing a remote forward: %s", refusal)
		}
		return false
	}
	c.do(func() {
		err := accept(l, c.server.Log, func(from net.Conn) { c.offer(from.(duplex), kind, payload(from)) })
		if err != nil {
			c.server.Log.Printf("a remote forward: %v", err)
		}
	})
	return true
}

func (c *conn) addListener(key string, l *listener) (refusal string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.ctx.Err() != nil:
		return "the connection ends"
	case c.listeners[key] != nil:
		return "it is there already"
	case len(c.listeners) >= maxListeners:
		return fmt.Sprintf("this connection has %d, which is the limit; cancel some, or use another connection", len(c.listeners))
	}
	if refusal = c.take(socketDescriptors); refusal == "" {
		c.listeners[key] = l
	}
	return refusal
}

// offer opens a channel for a connection from the job's side.
func (c *conn) offer(from duplex, kind string, payload []byte) {
	if refusal := c.takeChannel(socketDescriptors); refusal != "" {
		c.notice("refusing a connection to what is forwarded: %s", refusal)
		from.Close()
		return
	}
	c.do(func() {
		defer c.leaveChannel(socketDescriptors)
		channel, requests, err := c.ssh.OpenChannel(kind, payload)
		if err != nil {
			from.Close()
			return
		}
		c.relay(channel, requests, from)
	})
}

func (c *conn) unlisten(key string) bool {
	c.mu.Lock()
	l := c.listeners[key]
	delete(c.listeners, key)
	c.mu.Unlock()
	if l == nil {
		return false
	}
	l.close()
	c.give(socketDescriptors)
	return true
}

func (c *conn) closeListeners() {
	c.mu.Lock()
	defer c.mu.Unlock()
	for key, l := range c.listeners {
		l.close()
		c.give(socketDescriptors)
		delete(c.listeners, key)
	}
}
