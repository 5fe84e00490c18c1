package clients

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"perch/tests/session"
)

// byLaptop is from a machine without Perch, through an sshd on the submit host.
const byLaptop = "a laptop"

// laptop are clients there.
func laptop() []client {
	return []client{
		{
			name: "ssh", way: byLaptop, packages: "openssh-client", transport: carrying[byShim],
			lines: piped(`ssh -F laptop_config job`),
		},
		copying("scp", byLaptop, `scp -p -F laptop_config`, `"job:%s"`),
		rsync(byLaptop, `rsync -a -e 'ssh -F laptop_config'`, `job`),
	}
}

// laptopKey makes the laptop's key, and has the job let it in.
func laptopKey(t *testing.T) string {
	t.Helper()
	key := filepath.Join(t.TempDir(), "laptop_key")
	if out, err := exec.Command("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", key).CombinedOutput(); err != nil {
		t.Fatalf("ssh-keygen: %v\n%s", err, out)
	}
	t.Setenv("PERCH_AUTHORIZED_KEYS_FILE", key+".pub")
	return key
}

// submitHost runs OpenSSH's server on the user's machine until the test ends,
// and writes the laptop's configuration as the README has it.
func (s *site) submitHost(t *testing.T, key string) {
	t.Helper()
	dir, port := filepath.Dir(key), session.FreePort(t)
	file := func(name string) string { return filepath.Join(dir, name) }
	s.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", file("host_key"))
	environ := ""
	for _, name := range []string{"HOME", "PATH", "XDG_RUNTIME_DIR", "PERCH_ENGINE"} {
		environ += fmt.Sprintf(` "%s=%s"`, name, s.value(name))
	}
	config := fmt.Sprintf("ListenAddress 127.0.0.1:%d\nHostKey %s\nAuthorizedKeysFile %s.pub\nStrictModes no\nUsePAM no\nPidFile none\nSetEnv%s\n",
		port, file("host_key"), key, environ)
	public, err := os.ReadFile(file("host_key.pub"))
	if err == nil {
		err = os.WriteFile(file("sshd_config"), []byte(config), 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if os.Geteuid() == 0 { // where it shuts itself in before anybody has logged in
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	sshd := exec.Command("/usr/sbin/sshd", "-D", "-f", file("sshd_config"), "-E", file("log"))
	sshd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	if err := sshd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { sshd.Process.Kill(); sshd.Wait() })
	for end := time.Now().Add(patience); ; time.Sleep(20 * time.Millisecond) {
		conn, err := net.Dial("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err == nil {
			conn.Close()
			break
		}
		if time.Now().After(end) {
			log, _ := os.ReadFile(file("log"))
			t.Fatalf("sshd does not listen: %v\n%s", err, log)
		}
	}
	known := s.Run(t, "perch", "hostkey", s.Target) + fmt.Sprintf("[127.0.0.1]:%d %s", port, public)
	if err := os.WriteFile(file("known_hosts"), []byte(known), 0o600); err != nil {
		t.Fatal(err)
	}
	s.write(t, "laptop_config", fmt.Sprintf(`Host job
    ProxyCommand ssh -F laptop_config submit.example.org perch proxy JDL:~/job.jdl
    HostKeyAlias %s
    ConnectTimeout 0
Host submit.example.org
    HostName 127.0.0.1
    Port %d
Host *
    IdentityFile %s
    UserKnownHostsFile %s
    IdentitiesOnly yes
    StrictHostKeyChecking yes
    BatchMode yes
`, s.HostKeyAlias, port, key, file("known_hosts")))
}

// value is a variable of the user's.
func (s *site) value(name string) (value string) {
	for _, assignment := range s.Env {
		if v, ok := strings.CutPrefix(assignment, name+"="); ok {
			value = v // the last one counts
		}
	}
	return value
}
