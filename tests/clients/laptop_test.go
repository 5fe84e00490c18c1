package clients

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"testing"
)

// laptop is a machine that has the submit host's sshd between itself and the
// job. What is called job.perch there is the README's section.
func laptop() []client {
	return []client{{
		name: "ssh", way: byLaptop, packages: "openssh-client", transport: "perch-ssh",
		lines: piped(`ssh job.perch`),
	}}
}

// submitHost is the name of the one with the sshd.
const submitHost = "submit.example.org"

// letIn has the laptop's key let into jobs, and to the submit host.
func (s *site) letIn(t *testing.T) {
	t.Helper()
	if err := os.MkdirAll(s.atLaptop(""), 0o700); err != nil {
		t.Fatal(err)
	}
	s.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", s.atLaptop("id_ed25519"))
	key, err := os.ReadFile(s.atLaptop("id_ed25519.pub"))
	if err != nil {
		t.Fatal(err)
	}
	s.LetIn(t, string(key))
}

// atLaptop is a file of the laptop's ~/.ssh.
func (s *site) atLaptop(name string) string { return filepath.Join(s.User, "laptop", ".ssh", name) }

// newLaptop returns the environment of its user, whose ssh needs no option.
func (s *site) newLaptop(t *testing.T) []string {
	t.Helper()
	port, hostKey := s.startSSHD(t)
	s.write(t, "laptop/.ssh/known_hosts", submitHost+" "+hostKey)
	s.write(t, "laptop/.ssh/config", fmt.Sprintf(`Host %[1]s
    HostName 127.0.0.1
    Port %[2]d
    HostKeyAlias %[1]s
    SendEnv %[3]s
Host job.perch
    ProxyCommand ssh %[1]s perch proxy JDL:~/job.jdl
    HostKeyAlias %[4]s
    ConnectTimeout 0
    Ciphers ^aes128-gcm@openssh.com
Host *
    BatchMode yes
    StrictHostKeyChecking yes
`, submitHost, port, transferMark, s.HostKeyAlias))
	env := append(slices.Clone(s.Env), s.asHome(t, filepath.Join(s.User, "laptop"))...)
	line := s.Command("sh", "-c", "ssh "+submitHost+" perch hostkey JDL:~/job.jdl >>~/.ssh/known_hosts")
	line.Env = env
	if out, err := line.CombinedOutput(); err != nil {
		t.Fatalf("asking the submit host for the host key: %v\n%s", err, out)
	}
	return env
}

// asHome is what gives programs another home: ssh takes it from passwd(5).
func (s *site) asHome(t *testing.T, home string) []string {
	t.Helper()
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	s.write(t, "passwd", fmt.Sprintf("%s:x:%s:%s::%s:/bin/sh\n", me.Username, me.Uid, me.Gid, home))
	s.write(t, "group", fmt.Sprintf("%s:x:%s:\n", me.Username, me.Gid))
	return []string{"HOME=" + home, "LD_PRELOAD=libnss_wrapper.so",
		"NSS_WRAPPER_PASSWD=" + filepath.Join(s.User, "passwd"), "NSS_WRAPPER_GROUP=" + filepath.Join(s.User, "group")}
}
