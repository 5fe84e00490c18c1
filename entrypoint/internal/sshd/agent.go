package sshd

import (
	"crypto/rand"
	"errors"
	"net"
	"path/filepath"

	"perch/entrypoint/internal/sockpath"
)

// agentSocket returns the path of a socket that leads to the peer's agent, for
// SSH_AUTH_SOCK (OpenSSH's PROTOCOL.agent). One serves all sessions of the
// connection, as with sshd.
func (c *conn) agentSocket() (string, error) {
	c.agentMu.Lock()
	defer c.agentMu.Unlock()
	if c.agent != "" {
		return c.agent, nil
	}
	path := filepath.Join(c.server.Account.Runtime, "agent."+rand.Text()[:10])
	l, err := sockpath.Listen(path)
	if err != nil {
		return "", err
	}
	if !c.listen("agent", &listener{l, path}, "auth-agent@openssh.com", func(net.Conn) []byte { return nil }) {
		return "", errors.New("too many forwards in this connection")
	}
	c.agent = path
	return path, nil
}
