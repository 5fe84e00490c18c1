package carrierssh

import (
	"errors"
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"

	"perch/shim/internal/proxy"
)

// TakeFlag is the first argument of perch-ssh that calls Take.
const TakeFlag = "--take"

// offerName is the socket in condor_ssh_to_job's directory on which it hands
// its connection to sshd to whoever connects first: its own proxy command, or
// Take (HTCondor's condor_tools/ssh_to_job.cpp).
const offerName = "fdpass"

// Take is a ProxyCommand with ProxyUseFdpass (ssh_config(5)): it takes the
// connection that is offered on the socket args[0] and passes it over stdout.
func Take(args []string, stdout *os.File) error {
	if len(args) != 1 {
		return errors.New("carrier: no socket is named; this flag is perch keep's own")
	}
	fd, err := receive(args[0])
	if err != nil {
		return fmt.Errorf("taking the connection from condor_ssh_to_job: %w", err)
	}
	defer unix.Close(fd)
	return proxy.PassFD(fd, stdout)
}

func receive(sock string) (int, error) {
	conn, err := net.DialUnix("unix", nil, &net.UnixAddr{Name: sock, Net: "unix"})
	if err != nil {
		return -1, err
	}
	defer conn.Close()
	return receiveFrom(conn)
}

func receiveFrom(conn *net.UnixConn) (int, error) {
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
