package clients

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"perch/tests/session"
)

// startSSHD makes the user's machine a host with OpenSSH's sshd, until the
// test's end. Its port is on loopback.
func (s *site) startSSHD(t *testing.T) (port int, hostKey string) {
	t.Helper()
	if os.Geteuid() == 0 { // where it shuts itself in before anybody has logged in
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(s.User, "sshd")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	s.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "host_key"))
	key, err := os.ReadFile(filepath.Join(dir, "host_key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	port = session.FreePort(t)
	s.write(t, "sshd/config", fmt.Sprintf(`ListenAddress 127.0.0.1:%d
HostKey %s/host_key
AuthorizedKeysFile %s/.ssh/authorized_keys
StrictModes no
UsePAM no
PidFile none
AcceptEnv %s
SetEnv%s
`, port, dir, s.User, transferMark, s.settings()))
	serve(t, exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(dir, "config")), port)
	return port, string(key)
}

// settings are what the user's programs on the submit host need, in
// sshd_config's way.
func (s *site) settings() (set string) {
	cmd := exec.Cmd{Env: s.Env}
	for _, v := range cmd.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if slices.Contains([]string{"HOME", "PATH", "XDG_RUNTIME_DIR", "PERCH_ENGINE"}, name) {
			set += fmt.Sprintf(" %s=%q", name, value)
		}
	}
	return set
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
