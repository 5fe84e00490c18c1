package sshd

import (
	"bytes"
	"log"
	"net"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"golang.org/x/crypto/ssh"

	"perch/tests/kept"
)

// sendRaw sends a message as it is.
func sendRaw(client *ssh.Client, message any) error {
	mux := reflect.Indirect(reflect.ValueOf(client.Conn)).FieldByName("mux")
	return sendMessage(mux.UnsafePointer(), message)
}

// channelData is SSH_MSG_CHANNEL_DATA (RFC 4254, 5.2).
type channelData struct {
	Channel uint32 `sshtype:"94"`
	Data    string
}

// What a peer may not send costs its own connection and no other, and the log
// says whose it was and why.
func TestTooLarge(t *testing.T) {
	for name, test := range map[string]struct {
		send func(client *ssh.Client)
		says string
	}{
		"a request": {func(client *ssh.Client) {
			client.SendRequest("nonesuch", false, make([]byte, 300<<10))
		}, "it sent a packet that is larger than SSH allows"},
		"data": {func(client *ssh.Client) {
			sendRaw(client, channelData{0, strings.Repeat("x", 100<<10)})
		}, "it sent a packet that is larger than its channel allows"},
		"a window": {func(client *ssh.Client) {
			for sendRaw(client, channelData{0, strings.Repeat("x", 32768)}) == nil {
			}
		}, "it sent more than its channel's window allows"},
	} {
		t.Run(name, func(t *testing.T) {
			var lines kept.Output
			s := serve(t, func(c *Config) { c.Log = log.New(&lines, "", 0) })
			other, client := s.connect(), s.connect()
			// Nobody reads its input.
			if err := s.session(client).Start("sleep 1000"); err != nil {
				t.Fatal(err)
			}
			test.send(client)
			if err := client.Wait(); err == nil {
				t.Error("the connection goes on")
			}
			want := `dropping the connection of "alice" with ` + ssh.FingerprintSHA256(s.user.PublicKey()) + `, client "SSH-2.0-Go": ` + test.says
			eventually(t, "the log says "+want, func() bool { return strings.Contains(lines.String(), want) })
			s.wantServed(other)
		})
	}
}

// flipping is a connection that changes one bit of what is written next.
type flipping struct {
	net.Conn
	next atomic.Bool
}

func (c *flipping) Write(p []byte) (int, error) {
	if c.next.CompareAndSwap(true, false) {
		p = bytes.Clone(p)
		p[len(p)-1] ^= 1
	}
	return c.Conn.Write(p)
}

// A packet that has changed on the way is no part of the connection any more.
func TestChangedPacket(t *testing.T) {
	var lines kept.Output
	s := serve(t, func(c *Config) { c.Log = log.New(&lines, "", 0) })
	raw := &flipping{Conn: s.dial()}
	other, client := s.connect(), s.connectOver(raw)
	raw.next.Store(true)
	client.SendRequest("nonesuch", true, nil)
	if err := client.Wait(); err == nil {
		t.Error("the connection goes on")
	}
	eventually(t, "the log says it", func() bool {
		return strings.Contains(lines.String(), "a packet from it has changed on the way (")
	})
	s.wantServed(other)
}

// Who leaves is no news.
func TestGoodbye(t *testing.T) {
	var lines kept.Output
	s := serve(t, func(c *Config) { c.Log = log.New(&lines, "", 0) })
	client := s.connect()
	eventually(t, "somebody is here", func() bool { return s.activity.here.Load() == 1 })
	sendRaw(client, disconnectMsg{Reason: byApplication, Message: "disconnected by user"})
	s.connect().Close()
	eventually(t, "nobody is here", func() bool { return s.activity.here.Load() == 0 })
	if strings.Contains(lines.String(), "dropping") {
		t.Errorf("the log says %s", &lines)
	}
}
