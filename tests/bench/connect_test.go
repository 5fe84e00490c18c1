package main

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// TestConnect stands at ssh's end of a ProxyCommand.
func TestConnect(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "sock")
	l, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	pair, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(pair[0])
	theirs := os.NewFile(uintptr(pair[1]), "stdout")
	defer theirs.Close()
	if err := connect(sock, theirs); err != nil {
		t.Fatal(err)
	}
	file := received(t, pair[0])
	defer file.Close()
	server, err := l.Accept()
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(server, "banner")
	server.Close()
	if got, err := io.ReadAll(file); string(got) != "banner" || err != nil {
		t.Errorf("through the descriptor comes %q, %v", got, err)
	}
}

func received(t *testing.T, over int) *os.File {
	t.Helper()
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := unix.Recvmsg(over, make([]byte, 1), control, 0)
	if err != nil {
		t.Fatal(err)
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("%d descriptors, %v", len(fds), err)
	}
	return os.NewFile(uintptr(fds[0]), "connection")
}

func TestConnectToNobody(t *testing.T) {
	if err := connect(filepath.Join(t.TempDir(), "none"), os.Stdout); err == nil {
		t.Error("no error")
	}
}
