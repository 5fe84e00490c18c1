package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/session"
)

// kinds are the user's keys that the job is asked to let in; those of restricted
// have options in the file (sshd(8), AUTHORIZED_KEYS FILE FORMAT).
var kinds = map[string]options{
	"ed25519":   {"-t", "ed25519"},
	"ecdsa-256": {"-t", "ecdsa", "-b", "256"},
	"ecdsa-384": {"-t", "ecdsa", "-b", "384"},
	"ecdsa-521": {"-t", "ecdsa", "-b", "521"},
	"rsa":       {"-t", "rsa", "-b", "3072"},
}

var restricted = map[string]string{
	"command": `command="echo forced"`, "no-pty": "no-pty", "restrict": "restrict", "environment": `environment="A=b"`,
	"expiry-time": `expiry-time="20000101"`, "from": `from="192.0.2.1"`, "permitopen": `permitopen="127.0.0.1:1"`,
	"permitlisten": `permitlisten="1"`, "no-port-forwarding": "no-port-forwarding", "no-agent-forwarding": "no-agent-forwarding",
	"cert-authority": "cert-authority", "principals": `cert-authority,principals="nobody"`, "unknown": "unknown-option",
}

// writeKeys makes the keys in dir, and the file that lets them in.
func writeKeys(t *testing.T, dir string) (authorized string) {
	t.Helper()
	var lines []byte
	add := func(name, before string, kind options) {
		r := run(t, exec.Command("ssh-keygen", append(kind, "-q", "-N", "", "-C", name, "-f", filepath.Join(dir, name))...))
		public, err := os.ReadFile(filepath.Join(dir, name+".pub"))
		if r.code != 0 || err != nil {
			t.Fatalf("%+v, %v", r, err)
		}
		lines = append(lines, before+string(public)...)
	}
	for name, kind := range kinds {
		add(name, "", kind)
	}
	for name, option := range restricted {
		add(name, option+" ", kinds["ed25519"])
	}
	authorized = filepath.Join(dir, "authorized_keys")
	if err := os.WriteFile(authorized, append([]byte("# the user's own\n\n"), lines...), 0o600); err != nil {
		t.Fatal(err)
	}
	add("stranger", "", kinds["ed25519"])
	return authorized
}

// withKey enters with one key alone, without Perch's ssh_config.
func (j job) withKey(t *testing.T, key string, o ...string) ran {
	t.Helper()
	return run(t, j.Command("ssh", append(options{"-F", "/dev/null", "-o", "BatchMode=yes",
		"-o", "ProxyCommand=" + session.Program("perch") + " proxy " + j.Target,
		"-o", "HostKeyAlias=" + j.HostKeyAlias, "-o", "UserKnownHostsFile=" + j.KnownHosts,
		"-o", "IdentitiesOnly=yes", "-i", filepath.Join(j.keys, key)}, append(o, "job", "echo in")...)...))
}

// refused wants a login to have failed for the key.
func (r ran) refused(t *testing.T, what string) {
	t.Helper()
	if r.code != 255 || r.stdout != "" || !strings.Contains(r.stderr, "Permission denied (publickey)") {
		t.Errorf("%s: got %+v", what, r)
	}
}

func testKeytype(t *testing.T, j job) {
	for name := range kinds {
		j.withKey(t, name).want(t, "in\n", "", 0)
	}
	j.withKey(t, "stranger").refused(t, "a key that is not in the file")
}

// The algorithms by which keys sign: none with SHA-1.
func testLimitKeytype(t *testing.T, j job) {
	for _, algorithm := range []string{"rsa-sha2-256", "rsa-sha2-512"} {
		j.withKey(t, "rsa", "-o", "PubkeyAcceptedAlgorithms="+algorithm).want(t, "in\n", "", 0)
	}
	j.withKey(t, "rsa", "-o", "PubkeyAcceptedAlgorithms=ssh-rsa").refused(t, "SHA-1")
}

// A key with an option never counts for more than the option says: no such key
// comes in at all, and the job says so.
func testKeyOptions(t *testing.T, j job) {
	log, err := os.ReadFile(filepath.Join(j.Home, ".perch/log"))
	if err != nil {
		t.Fatal(err)
	}
	for name, option := range restricted {
		j.withKey(t, name).refused(t, option)
	}
	if n := strings.Count(string(log), "left out, since perch does not know its option"); n != len(restricted) {
		t.Errorf("the log says of %d keys of %d that they are left out", n, len(restricted))
	}
}

// Each key of the file is enough, whichever others the client shows before it.
func testMultipubkey(t *testing.T, j job) {
	j.withKey(t, "stranger", "-i", filepath.Join(j.keys, "restrict"), "-i", filepath.Join(j.keys, "rsa")).want(t, "in\n", "", 0)
}

// A certificate brings nobody in, though the file has its authority.
func testCertUserkey(t *testing.T, j job) {
	at := func(name string) string { return filepath.Join(j.keys, name) }
	j.Run(t, "ssh-keygen", "-q", "-s", at("cert-authority"), "-I", "someone", "-n", "job,root,someone", at("stranger.pub"))
	j.withKey(t, "stranger", "-o", "CertificateFile="+at("stranger-cert.pub")).refused(t, "a certificate")
}

// A file with a line that is no key starts no job, and the line is named.
func testBrokenkeys(t *testing.T, j job) {
	file := filepath.Join(t.TempDir(), "authorized_keys")
	good, err := os.ReadFile(filepath.Join(j.keys, "ed25519.pub"))
	if err != nil {
		t.Fatal(err)
	}
	for _, broken := range []string{"ssh-rsa AAAA", "ssh-ed25519", "garbage", "1024 35 1234567890"} {
		if err := os.WriteFile(file, []byte(broken+"\n"+string(good)), 0o600); err != nil {
			t.Fatal(err)
		}
		jdl := filepath.Join(j.User, "broken.jdl")
		if err := os.WriteFile(jdl, []byte("request_cpus = 1\nqueue\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		cmd := j.Command("perch", "up", "JDL:"+jdl)
		cmd.Env = append(cmd.Env, "PERCH_AUTHORIZED_KEYS_FILE="+file)
		if r := run(t, cmd); r.code == 0 || !strings.Contains(r.stderr, "line 1: ") {
			t.Errorf("%q: got %+v", broken, r)
		}
	}
}

// Every user name is the job's one user, with that user's keys.
func testAllowDenyUsers(t *testing.T, j job) {
	who := j.ssh(t, nil, "id -u").stdout
	for _, name := range []string{"root", "nobody", "some.one@example"} {
		j.ssh(t, options{"-l", name}, "id -u").want(t, who, "", 0)
		j.withKey(t, "stranger", "-l", name).refused(t, "a stranger as "+name)
	}
	if r := j.ssh(t, options{"-l", "perch-control"}, "echo in"); r.code == 0 || r.stdout != "" {
		t.Errorf("a command as perch-control: got %+v", r)
	}
}
