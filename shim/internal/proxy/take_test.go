package proxy

import (
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTakeFD has one end of a pair offered as condor_ssh_to_job does, and reads
// from what ssh got.
func TestTakeFD(t *testing.T) {
	near, far := pair(t)
	sock := newSock(t)
	serve(t, sock, func(conn *net.UnixConn) {
		defer conn.Close()
		_, _, _ = conn.WriteMsgUnix([]byte{0}, unix.UnixRights(int(near.Fd())), nil)
	})
	ours, theirs := pair(t)
	if err := TakeFD(sock, ours); err != nil {
		t.Fatal(err)
	}
	taken := os.NewFile(uintptr(receiveFD(t, theirs)), "taken")
	defer taken.Close()
	if _, err := far.WriteString("from sshd"); err != nil {
		t.Fatal(err)
	}
	far.Close()
	near.Close()
	if got, err := io.ReadAll(taken); string(got) != "from sshd" || err != nil {
		t.Errorf("ssh reads %q, %v", got, err)
	}
}

func TestTakeFDFails(t *testing.T) {
	silent := newSock(t)
	serve(t, silent, func(conn *net.UnixConn) { conn.Close() })
	for sock, want := range map[string]string{newSock(t): ": no such file", silent: ": 0 control messages came"} {
		if err := TakeFD(sock, os.Stdout); err == nil || !strings.Contains(err.Error(), "taking a connection from "+sock+want) {
			t.Errorf("%s: %v", want, err)
		}
	}
}
