package proxy

import (
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// TakeFD connects to sock, where a program passes a connection of its own to
// whoever comes first, and passes that on over stdout as PassFD does.
func TakeFD(sock string, stdout *os.File) error {
	fd, err := receive(sock)
	if err != nil {
		return fmt.Errorf("taking a connection from %s: %w", sock, err)
	}
	defer unix.Close(fd)
	return PassFD(fd, stdout)
}

func receive(sock string) (int, error) {
	conn, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return -1, err
	}
	defer unix.Close(conn)
	if err := unix.Connect(conn, &unix.SockaddrUnix{Name: sock}); err != nil {
		return -1, err
	}
	control := make([]byte, unix.CmsgSpace(4))
	n, err := receiveControl(conn, control)
	if err != nil {
		return -1, err
	}
	messages, err := unix.ParseSocketControlMessage(control[:n])
	if err != nil || len(messages) != 1 {
		return -1, errors.Join(fmt.Errorf("%d control messages came", len(messages)), err)
	}
	fds, err := unix.ParseUnixRights(&messages[0])
	if err != nil || len(fds) != 1 {
		return -1, errors.Join(fmt.Errorf("%d descriptors came", len(fds)), err)
	}
	return fds[0], nil
}

// receiveControl waits for one message, whose bytes mean nothing, and returns
// how much of control it fills.
func receiveControl(conn int, control []byte) (n int, err error) {
	for {
		_, n, _, _, err = unix.Recvmsg(conn, make([]byte, 16), control, unix.MSG_CMSG_CLOEXEC)
		if err != unix.EINTR {
			return n, err
		}
	}
}
