package proxy

import (
	"context"
	"errors"
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// SendFD connects to sock as Dial does and passes the connection over stdout to
// the ssh that has started this process. The caller should return at once.
// Errors are those of Dial, of which ssh has been given nothing, or of PassFD.
func SendFD(ctx context.Context, sock string, stdout *os.File) error {
	conn, err := Dial(ctx, sock)
	if err != nil {
		return err
	}
	defer conn.Close()
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var sendErr error
	err = raw.Control(func(fd uintptr) { sendErr = PassFD(int(fd), stdout) })
	return errors.Join(err, sendErr)
}

// PassFD passes a connected socket over stdout to the ssh that has started this
// process as its ProxyCommand with ProxyUseFdpass (ssh_config(5)), as
// mm_send_fd of OpenSSH's monitor_fdpass.c does. ssh waits for the process to
// end.
func PassFD(fd int, stdout *os.File) error {
	// ssh expects a socket as connect(2) leaves it.
	err := unix.SetNonblock(fd, false)
	if err == nil {
		err = send(int(stdout.Fd()), fd)
	}
	if errors.Is(err, unix.ENOTSOCK) {
		return errors.New("stdout takes no descriptor; let ssh start this by a ProxyCommand with ProxyUseFdpass, or use \"perch proxy\"")
	} else if err != nil {
		return fmt.Errorf("passing the connection to ssh: %w", err)
	}
	return nil
}

func send(over, fd int) error {
	for {
		err := unix.Sendmsg(over, []byte{0}, unix.UnixRights(fd), nil, unix.MSG_NOSIGNAL)
		if err != unix.EINTR {
			return err
		}
	}
}
