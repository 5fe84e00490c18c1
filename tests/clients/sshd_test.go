package clients

import (
	"bytes"
	"fmt"
	"net"
	"os/exec"
	"testing"
	"time"

	"perch/tests/session"
)

// startSSHD makes the user's machine a host with OpenSSH's sshd, until the
// test's end. Its port is on loopback.
func (s *site) startSSHD(t *testing.T) (port int, hostKey string) {
	t.Helper()
	port = session.FreePort(t)
	sshd, hostKey := s.SSHD(t, fmt.Sprint("127.0.0.1:", port), "AcceptEnv "+transferMark)
	serve(t, sshd, port)
	return port, hostKey
}

// serve runs a server until the test's end, and waits until it listens.
func serve(t *testing.T, cmd *exec.Cmd, port int) {
	t.Helper()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	for {
		conn, err := net.Dial("tcp", fmt.Sprint("127.0.0.1:", port))
		if err == nil {
			conn.Close()
			break
		}
		select {
		case err := <-ended:
			t.Fatalf("%s: %v\n%s", cmd, err, &stderr)
		case <-time.After(5 * time.Millisecond):
		}
	}
	t.Cleanup(func() { cmd.Process.Kill(); <-ended })
}
