package sshd

import (
	"errors"
	"io"
	"net"
	"strings"
	"syscall"
)

// gone says whether an error is that of a peer, or of this server, that has just
// closed the connection.
func gone(err error) bool {
	for _, closed := range []error{io.EOF, net.ErrClosed, syscall.ECONNRESET, syscall.EPIPE} {
		if errors.Is(err, closed) {
			return true
		}
	}
	// SSH_DISCONNECT_BY_APPLICATION (RFC 4253, 11.1) is how clients say goodbye.
	return err != nil && strings.HasPrefix(err.Error(), "ssh: disconnect, reason 11:")
}

// logEnd logs why a connection has ended, unless it was closed in peace: a
// packet that was too large, or has changed on the way, ends it. The peer is not
// told, as with sshd: after such a packet x/crypto sends nothing more.
func (c *conn) logEnd() {
	err := c.ssh.Wait()
	if gone(err) {
		return
	}
	why := err.Error()
	for _, reason := range []struct{ says, means string }{
		{"too large", "it sent a packet that is larger than SSH allows"},
		{"max packet length exceeded", "it sent a packet that is larger than SSH allows"},
		{"exceeds maximum payload size", "it sent a packet that is larger than its channel allows"},
		{"wrote too much", "it sent more than its channel's window allows"},
		{"MAC failure", "a packet from it has changed on the way"},
		{"message authentication failed", "a packet from it has changed on the way"},
	} {
		if strings.Contains(why, reason.says) {
			why = reason.means + " (" + why + ")"
			break
		}
	}
	c.server.Log.Printf("dropping the connection of %q with %s, client %.64q: %.400s", c.ssh.User(), c.ssh.Permissions.ExtraData["key"], c.ssh.ClientVersion(), why)
}
