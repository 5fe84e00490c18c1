package main

import (
	"fmt"
	"net"
	"os"

	"golang.org/x/sys/unix"
)

// connectWord is the command that makes bench the ProxyCommand of a stock ssh.
const connectWord = "connect"

// connect passes a connection to sock over stdout to ssh (ssh_config(5),
// ProxyUseFdpass). OpenSSH's server is reached by it; perch-ssh would refuse
// its banner.
func connect(sock string, stdout *os.File) error {
	conn, err := net.Dial("unix", sock)
	if err != nil {
		return err
	}
	defer conn.Close()
	file, err := conn.(*net.UnixConn).File()
	if err != nil {
		return err
	}
	defer file.Close()
	// Fd makes it blocking, as ssh expects it.
	err = unix.Sendmsg(int(stdout.Fd()), []byte{0}, unix.UnixRights(int(file.Fd())), nil, 0)
	if err != nil {
		return fmt.Errorf("passing the connection to ssh: %w", err)
	}
	return nil
}
