package proxy

import (
	"errors"
	"fmt"
	"net"
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
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: sock, Net: "unix"})
	if err != nil {
		return -1, err
	}
	defer conn.Close()
	control := make([]byte, unix.CmsgSpace(4))
	_, n, _, _, err := conn.ReadMsgUnix(make([]byte, 16), control)
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
	unix.CloseOnExec(fds[0])
	return fds[0], nil
}
