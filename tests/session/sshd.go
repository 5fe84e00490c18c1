package session

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// LetIn has the user's own public key let into jobs, and into the user's machine
// by SSHD. It ends the job that was submitted before that: the next has the key.
func (j *Job) LetIn(t testing.TB, publicKey string) {
	t.Helper()
	j.write(t, ".ssh/authorized_keys", publicKey)
	j.write(t, ".config/perch/config.yaml", "authorized_keys_file: ~/.ssh/authorized_keys\n")
	j.Run(t, "perch", "stop", j.Target)
	j.Home = filepath.Dir(j.Run(t, "perch-ssh", j.Target, `printf %s "$_CONDOR_JOB_AD"`))
}

// SSHD makes the user's machine a host with OpenSSH's sshd, for the caller to
// start. lines are more of sshd_config(5); hostKey is the public one.
func (j *Job) SSHD(t testing.TB, address string, lines ...string) (sshd *exec.Cmd, hostKey string) {
	t.Helper()
	if os.Geteuid() == 0 { // where it shuts itself in before anybody has logged in
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			t.Fatal(err)
		}
	}
	dir := filepath.Join(j.User, "sshd")
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	j.Run(t, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, "host_key"))
	key, err := os.ReadFile(filepath.Join(dir, "host_key.pub"))
	if err != nil {
		t.Fatal(err)
	}
	j.write(t, "sshd/config", fmt.Sprintf(`ListenAddress %s
HostKey %s/host_key
AuthorizedKeysFile %s/.ssh/authorized_keys
StrictModes no
UsePAM no
PidFile none
SetEnv%s
%s
`, address, dir, j.User, j.settings(), strings.Join(lines, "\n")))
	return exec.Command("/usr/sbin/sshd", "-D", "-e", "-f", filepath.Join(dir, "config")), string(key)
}

// settings are what the user's programs on the submit host need, in
// sshd_config's way.
func (j *Job) settings() (set string) {
	cmd := exec.Cmd{Env: j.Env}
	for _, v := range cmd.Environ() {
		name, value, _ := strings.Cut(v, "=")
		if slices.Contains([]string{"HOME", "PATH", "XDG_RUNTIME_DIR", "PERCH_ENGINE"}, name) {
			set += fmt.Sprintf(" %s=%q", name, value)
		}
	}
	return set
}

// write writes a file in the home of the user.
func (j *Job) write(t testing.TB, name, text string) {
	t.Helper()
	path := filepath.Join(j.User, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}
