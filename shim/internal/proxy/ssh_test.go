package proxy

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"
	"golang.org/x/crypto/ssh/knownhosts"

	"perch/entrypoint/contract"
	"perch/shim/internal/sshargs"
	"perch/shim/internal/stockssh"
)

// role makes the test program act as a ProxyCommand.
const role = "PERCH_TEST_ROLE"

func TestMain(m *testing.M) {
	var err error
	switch os.Getenv(role) {
	case "":
		os.Exit(m.Run())
	case "send":
		err = SendFD(context.Background(), os.Args[1], os.Stdout)
	case "copy":
		var conn *os.File
		if conn, err = Dial(context.Background(), os.Args[1]); err == nil {
			err = Copy(context.Background(), conn, os.Stdin, os.Stdout)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

// job is a small SSH server in the place of an entrypoint, and what the stock
// ssh must know to reach it.
type job struct {
	target  stockssh.Target
	sock    string
	mu      sync.Mutex
	offered []string // fingerprints of the keys that clients have shown
}

// newJob lays all files into a directory whose name needs every quoting.
func newJob(t *testing.T) *job {
	t.Helper()
	dir := filepath.Join(t.TempDir(), `it's 100%h "odd" $HOME #!`)
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	j := &job{sock: filepath.Join(dir, "sock")}
	j.target = stockssh.Target{
		Alias: "x.perch", HostKeyAlias: "x-1.perch",
		ConfigFile:   filepath.Join(dir, "ssh_config"),
		IdentityFile: filepath.Join(dir, "key"),
		KnownHosts:   filepath.Join(dir, "known_hosts"),
		ProxyCommand: []string{self, j.sock},
	}
	hostKey, userKey := newKey(t), newKey(t)
	block, err := ssh.MarshalPrivateKey(userKey.private, "")
	if err != nil {
		t.Fatal(err)
	}
	config, err := j.target.Config()
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		j.target.ConfigFile:   config,
		j.target.IdentityFile: string(pem.EncodeToMemory(block)),
		j.target.KnownHosts:   knownhosts.Line([]string{j.target.HostKeyAlias}, hostKey.signer.PublicKey()) + "\n",
	} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	j.listen(t, hostKey, userKey)
	return j
}

type keyPair struct {
	private ed25519.PrivateKey
	signer  ssh.Signer
}

func newKey(t *testing.T) keyPair {
	t.Helper()
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	signer, err := ssh.NewSignerFromKey(private)
	if err != nil {
		t.Fatal(err)
	}
	return keyPair{private, signer}
}

func (k keyPair) fingerprint() string { return ssh.FingerprintSHA256(k.signer.PublicKey()) }

func (j *job) listen(t *testing.T, hostKey, userKey keyPair) {
	config := &ssh.ServerConfig{ServerVersion: contract.Banner()}
	config.AddHostKey(hostKey.signer)
	config.PublicKeyCallback = func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
		print := ssh.FingerprintSHA256(key)
		j.mu.Lock()
		j.offered = append(j.offered, print)
		j.mu.Unlock()
		if print != userKey.fingerprint() {
			return nil, fmt.Errorf("unknown key")
		}
		return nil, nil
	}
	serve(t, j.sock, func(conn *net.UnixConn) {
		sc, channels, requests, err := ssh.NewServerConn(conn, config)
		if err != nil {
			return
		}
		go ssh.DiscardRequests(requests)
		for c := range channels {
			channel, requests, err := c.Accept()
			if err == nil {
				go session(sc, channel, requests)
			}
		}
	})
}

// session knows two commands: "cat", which ends with 7, and "agent", which
// prints the keys of the forwarded agent.
func session(sc *ssh.ServerConn, channel ssh.Channel, requests <-chan *ssh.Request) {
	defer channel.Close()
	for r := range requests {
		r.Reply(true, nil)
		if r.Type != "exec" {
			continue
		}
		switch string(r.Payload[4:]) {
		case "cat":
			io.Copy(channel, channel)
		case "agent":
			printAgent(sc, channel)
		}
		channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Status uint32 }{7}))
		return
	}
}

func printAgent(sc *ssh.ServerConn, w io.Writer) {
	channel, requests, err := sc.OpenChannel("auth-agent@openssh.com", nil)
	if err != nil {
		fmt.Fprintln(w, err)
		return
	}
	defer channel.Close()
	go ssh.DiscardRequests(requests)
	keys, err := agent.NewClient(channel).List()
	fmt.Fprintln(w, keys, err)
}

// run runs the stock ssh, which has to end with 7, and returns what it prints.
func run(t *testing.T, as string, stdin []byte, argv ...string) []byte {
	t.Helper()
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), role+"="+as, "SHELL=/bin/sh")
	cmd.Stdin = bytes.NewReader(stdin)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState.ExitCode() != 7 {
		t.Fatalf("%q: %v, want the exit status 7\n%s", argv, err, stderr.Bytes())
	}
	return out
}

func (j *job) argv(t *testing.T, words ...string) []string {
	t.Helper()
	line, err := sshargs.Parse(words)
	if err != nil {
		t.Fatal(err)
	}
	argv, err := j.target.Argv("ssh", line)
	if err != nil {
		t.Fatal(err)
	}
	return argv
}

func TestStockSSH(t *testing.T) {
	j := newJob(t)
	data := make([]byte, 4<<20)
	rand.Read(data)
	file := []string{"-F", j.target.ConfigFile}
	for _, c := range []struct {
		name, as string
		argv     []string
	}{
		{"perch's command line", "send", j.argv(t, "-T", "JDL:x", "cat")},
		{"perch's file", "send", append([]string{"ssh"}, append(file, "x.perch", "cat")...)},
		{"no descriptor passed", "copy", append([]string{"ssh", "-oProxyUseFdpass=no"}, append(file, "x.perch", "cat")...)},
	} {
		if out := run(t, c.as, data, c.argv...); !bytes.Equal(out, data) {
			t.Errorf("%s: of %d bytes came %d, or others", c.name, len(data), len(out))
		}
	}
}

// TestAgent: a key of the caller's agent is never shown to the job, and still
// there for it when the caller forwards the agent.
func TestAgent(t *testing.T) {
	j := newJob(t)
	foreign := newKey(t)
	ring := agent.NewKeyring()
	if err := ring.Add(agent.AddedKey{PrivateKey: foreign.private, Comment: "foreign"}); err != nil {
		t.Fatal(err)
	}
	sock := newSock(t)
	asked := make(chan struct{}, 100)
	serve(t, sock, func(conn *net.UnixConn) { asked <- struct{}{}; agent.ServeAgent(ring, conn); conn.Close() })
	t.Setenv("SSH_AUTH_SOCK", sock)

	out := string(run(t, "send", nil, j.argv(t, "-A", "JDL:x", "agent")...))
	if !strings.Contains(out, "foreign") {
		t.Errorf("the job sees in the forwarded agent: %q", out)
	}
	if len(asked) == 0 {
		t.Error("the agent was not asked")
	}
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.offered) == 0 || slices.Contains(j.offered, foreign.fingerprint()) {
		t.Errorf("the job was shown the keys %q; of the agent is %s", j.offered, foreign.fingerprint())
	}
}

// TestWrongHostKey: nobody can sit in the middle, whatever the caller says.
func TestWrongHostKey(t *testing.T) {
	j, other := newJob(t), newJob(t)
	j.target.ProxyCommand = other.target.ProxyCommand
	argv := j.argv(t, "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "JDL:x", "cat")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), role+"=send")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 255 || !strings.Contains(string(out), "Host key verification failed") {
		t.Errorf("ssh to another job's socket: %v\n%s", err, out)
	}
	if len(other.offered) != 0 {
		t.Errorf("it was shown the keys %q", other.offered)
	}
}

func TestDeadSocketIsSaid(t *testing.T) {
	j := newJob(t)
	j.target.ProxyCommand[1] += "-gone"
	argv := j.argv(t, "JDL:x", "cat")
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), role+"=send")
	out, err := cmd.CombinedOutput()
	if cmd.ProcessState.ExitCode() != 255 || !strings.Contains(string(out), "nobody answers there: no such file") {
		t.Errorf("ssh to no socket: %v\n%s", err, out)
	}
}
