package sshd

import (
	"reflect"
	"unsafe" // for go:linkname and the pointer below

	"golang.org/x/crypto/ssh"
)

// disconnectMsg is SSH_MSG_DISCONNECT (RFC 4253, 11.1).
type disconnectMsg struct {
	Reason   uint32 `sshtype:"1"`
	Message  string
	Language string
}

// byApplication is SSH_DISCONNECT_BY_APPLICATION.
const byApplication = 11

// sendMessage is x/crypto's own way to send any message. The library has no
// public one for a disconnect (a note in its connection.go considers one), and
// without it a client can only say that the connection was closed, not why.
// Should the name go away, linking fails; should the field that disconnect
// looks for, nothing is sent, and the test with the stock client fails.
//
//go:linkname sendMessage golang.org/x/crypto/ssh.(*mux).sendMessage
func sendMessage(mux unsafe.Pointer, message any) error

// disconnect tells the peer why the connection ends. The caller closes it. It
// may block on a peer that does not read, until the caller does.
func disconnect(c *ssh.ServerConn, reason string) {
	connection := reflect.Indirect(reflect.ValueOf(c.Conn))
	if connection.Kind() != reflect.Struct {
		return
	}
	mux := connection.FieldByName("mux")
	if !mux.IsValid() || mux.Type().String() != "*ssh.mux" || mux.IsNil() {
		return
	}
	sendMessage(mux.UnsafePointer(), disconnectMsg{Reason: byApplication, Message: reason})
}
