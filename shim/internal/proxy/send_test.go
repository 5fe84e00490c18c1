package proxy

import (
	"errors"
	"io"
	"net"
	"os"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
)

// pair returns both ends of a socketpair, as ssh gives one to a ProxyCommand.
func pair(t *testing.T) (ours, theirs *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	ours, theirs = os.NewFile(uintptr(fds[0]), "ours"), os.NewFile(uintptr(fds[1]), "theirs")
	t.Cleanup(func() { ours.Close(); theirs.Close() })
	return ours, theirs
}

func TestSendFD(t *testing.T) {
	sock := newSock(t)
	serve(t, sock, func(conn *net.UnixConn) {
		io.WriteString(conn, contract.Banner()+"\r\n")
		io.Copy(conn, conn)
		conn.Close()
	})
	ours, theirs := pair(t)
	if err := SendFD(t.Context(), sock, ours); err != nil {
		t.Fatal(err)
	}
	fd := receiveFD(t, theirs)
	if flags, err := unix.FcntlInt(uintptr(fd), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
		t.Errorf("the connection has the flags %#x, %v; want none of O_NONBLOCK", flags, err)
	}
	conn := os.NewFile(uintptr(fd), "received")
	defer conn.Close()
	io.WriteString(conn, "and back")
	unix.Shutdown(fd, unix.SHUT_WR)
	got, err := io.ReadAll(conn)
	if want := contract.Banner() + "\r\nand back"; string(got) != want || err != nil {
		t.Errorf("read %q, %v; want %q", got, err, want)
	}
}

// receiveFD does what mm_receive_fd of OpenSSH's monitor_fdpass.c does.
func receiveFD(t *testing.T, from *os.File) int {
	t.Helper()
	buf, oob := make([]byte, 1), make([]byte, unix.CmsgSpace(4))
	n, oobn, _, _, err := unix.Recvmsg(int(from.Fd()), buf, oob, 0)
	if n != 1 || err != nil {
		t.Fatalf("received %d bytes, %v; want one", n, err)
	}
	messages, err := unix.ParseSocketControlMessage(oob[:oobn])
	if err != nil || len(messages) != 1 {
		t.Fatalf("%d control messages, %v", len(messages), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		t.Fatalf("descriptors %v, %v", fds, err)
	}
	return fds[0]
}

func TestSendFDFails(t *testing.T) {
	sock := newSock(t)
	serve(t, sock, says(contract.Banner()+"\r\n"))
	_, pipe, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := SendFD(t.Context(), sock, pipe); err == nil || !strings.Contains(err.Error(), "perch proxy") {
		t.Errorf("SendFD over a pipe: %v", err)
	}
	ours, theirs := pair(t)
	if err := SendFD(t.Context(), sock+"x", ours); !errors.Is(err, ErrDead) {
		t.Errorf("SendFD from no socket: %v", err)
	}
	theirs.Close()
	if err := SendFD(t.Context(), sock, ours); !errors.Is(err, unix.EPIPE) {
		t.Errorf("SendFD to an ssh that is gone: %v", err)
	}
}
