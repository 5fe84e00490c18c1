package sshd

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strconv"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/internal/sockpath"
)

// dialTime bounds a connection that a peer has asked for.
const dialTime = 30 * time.Second

// directTCP is what a peer sends to open "direct-tcpip" (RFC 4254, 7.2).
type directTCP struct {
	Host       string
	Port       uint32
	Origin     string
	OriginPort uint32
}

// directUnix is the same for "direct-streamlocal@openssh.com" (OpenSSH's
// PROTOCOL, 2.4).
type directUnix struct {
	Path         string
	Reserved     string
	ReservedPort uint32
}

func parseDirectTCP(payload []byte) (directTCP, error) {
	var d directTCP
	if err := ssh.Unmarshal(payload, &d); err != nil {
		return d, err
	}
	return d, checkPort(d.Port)
}

func checkPort(port uint32) error {
	if port > 65535 {
		return fmt.Errorf("%d is no port", port)
	}
	return nil
}

func parseDirectUnix(payload []byte) (directUnix, error) {
	var d directUnix
	if err := ssh.Unmarshal(payload, &d); err != nil {
		return d, err
	}
	return d, checkPath(d.Path)
}

func checkPath(path string) error {
	if path == "" || path[0] == 0 || len(path) > 4096 {
		return errors.New("this is no path of a socket")
	}
	return nil
}

func (c *conn) openDirectTCP(channel ssh.NewChannel) {
	d, err := parseDirectTCP(channel.ExtraData())
	if err != nil {
		channel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	to, err := c.dialTCP(d.Host, int(d.Port))
	c.connect(channel, to, err)
}

func (c *conn) openDirectUnix(channel ssh.NewChannel) {
	d, err := parseDirectUnix(channel.ExtraData())
	if err != nil {
		channel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	to, err := sockpath.Dial(c.absolute(d.Path))
	c.connect(channel, to, err)
}

// connect accepts a channel when there is something to connect it to.
func (c *conn) connect(channel ssh.NewChannel, to duplex, err error) {
	if err != nil {
		channel.Reject(ssh.ConnectionFailed, err.Error())
		return
	}
	accepted, requests, err := channel.Accept()
	if err != nil {
		to.Close()
		return
	}
	c.relay(accepted, requests, to)
}

// dialTCP connects to a port. "localhost" needs no resolver: a bare image has
// none that knows it.
func (c *conn) dialTCP(host string, port int) (duplex, error) {
	hosts := []string{host}
	if host == "localhost" {
		hosts = []string{"127.0.0.1", "::1"}
	}
	ctx, cancel := context.WithTimeout(c.ctx, dialTime)
	defer cancel()
	var dialer net.Dialer
	var problem error
	for _, host := range hosts {
		to, err := dialer.DialContext(ctx, "tcp", net.JoinHostPort(host, strconv.Itoa(port)))
		if err == nil {
			return to.(*net.TCPConn), nil
		}
		if problem == nil {
			problem = err
		}
	}
	return nil, problem
}

// absolute takes a path of the peer's as one from the job home, where its
// sessions start.
func (c *conn) absolute(path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(c.server.Account.Home, path)
}
