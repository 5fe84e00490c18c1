package smoke

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
)

// sessionTime is how long one call of ssh may take.
const sessionTime = time.Minute

// host is what the clients call the job, and it stands in known_hosts.
const host = "smoke.perch"

// jobKeys are the files that go into the job.
type jobKeys struct {
	host, authorized []byte
}

// makeKeys makes the job's host key and a user's key, and writes what ssh needs
// of them into dir.
func makeKeys(dir string) (jobKeys, error) {
	hostKey, hostPublic, err := newKey()
	if err != nil {
		return jobKeys{}, err
	}
	userKey, userPublic, err := newKey()
	if err != nil {
		return jobKeys{}, err
	}
	known := append([]byte(host+" "), hostPublic...)
	return jobKeys{host: hostKey, authorized: userPublic}, errors.Join(
		os.WriteFile(filepath.Join(dir, "key"), userKey, 0o600),
		os.WriteFile(filepath.Join(dir, "known_hosts"), known, 0o600))
}

// newKey returns a new private key, as ssh-keygen writes it, and a line with the
// public one.
func newKey() (private, public []byte, err error) {
	pub, priv, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, nil, err
	}
	block, err := ssh.MarshalPrivateKey(priv, "")
	if err != nil {
		return nil, nil, err
	}
	key, err := ssh.NewPublicKey(pub)
	if err != nil {
		return nil, nil, err
	}
	return pem.EncodeToMemory(block), ssh.MarshalAuthorizedKey(key), nil
}

// client calls the stock clients for one job.
type client struct {
	// dir is where files for and from the job can be put.
	dir string
	// options are ssh's and sftp's, env is what is added to their environment.
	options, env []string
}

// connected are the options for a job's socket, to which self, this program,
// connects. Nothing of this machine's configuration has a say, and of the user's
// agent no other key. The keys are in dir.
func connected(self, dir, sock string) []string {
	proxy := strings.ReplaceAll(quote(self)+" connect "+quote(sock), "%", "%%")
	return []string{
		"-F", "/dev/null",
		"-o", "ProxyCommand=" + proxy,
		"-o", "IdentityFile=" + filepath.Join(dir, "key"), "-o", "IdentitiesOnly=yes",
		"-o", "UserKnownHostsFile=" + filepath.Join(dir, "known_hosts"), "-o", "GlobalKnownHostsFile=/dev/null",
		"-o", "StrictHostKeyChecking=yes", "-o", "BatchMode=yes", "-o", "LogLevel=ERROR",
	}
}

// quote makes one word of the shell of s.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// command is ssh with its options as one line of the shell, as git takes it.
func (c client) command() string {
	words := []string{"ssh"}
	for _, o := range c.options {
		words = append(words, quote(o))
	}
	return strings.Join(words, " ")
}

// ssh calls ssh with arguments, of which the first are options of its own, and
// returns the output and the exit status. stdin is what it gets to read.
func (c client) ssh(ctx context.Context, stdin string, args ...string) (stdout string, status int, err error) {
	return c.call(ctx, "ssh", stdin, args...)
}

// session runs a command in the job, and takes any exit status but 0 for an
// error, with all that the command wrote.
func (c client) session(ctx context.Context, command string) (string, error) {
	out, status, err := c.ssh(ctx, "", host, "exec 2>&1; "+command)
	if err == nil && status != 0 {
		err = fmt.Errorf("exit status %d: %s", status, strings.TrimSpace(out))
	}
	return out, err
}

// prepared is a call that is not started yet. It is killed when ctx ends.
func (c client) prepared(ctx context.Context, program string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, program, append(c.options[:len(c.options):len(c.options)], args...)...)
	cmd.Env = append(os.Environ(), c.env...)
	cmd.WaitDelay = time.Second
	return cmd
}

func (c client) call(ctx context.Context, program, stdin string, args ...string) (string, int, error) {
	ctx, cancel := context.WithTimeout(ctx, sessionTime)
	defer cancel()
	cmd := c.prepared(ctx, program, args...)
	var stdout, stderr bounded
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", 0, fmt.Errorf("%s did not end in %v", program, sessionTime)
	}
	if stdout.over || stderr.over {
		return "", 0, errEndless
	}
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		return "", 0, err
	}
	status := cmd.ProcessState.ExitCode()
	// 255 is ssh's own, as is what it says then.
	if status == 255 {
		return "", 0, fmt.Errorf("%s: %s", program, strings.TrimSpace(stderr.String()))
	}
	return stdout.String(), status, nil
}

// readBanner connects to a socket of the entrypoint's and checks what it says
// first.
func readBanner(sock string) (string, error) {
	conn, err := net.DialTimeout("unix", sock, sessionTime)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(sessionTime)); err != nil {
		return "", err
	}
	line := make([]byte, 0, 255) // RFC 4253, 4.2: the longest there may be
	for len(line) < cap(line) && !bytes.HasSuffix(line, []byte("\n")) {
		n, err := conn.Read(line[len(line) : len(line)+1])
		if err != nil {
			return "", err
		}
		line = line[:len(line)+n]
	}
	banner := strings.TrimSpace(string(line))
	return banner, contract.CheckBanner(banner)
}
