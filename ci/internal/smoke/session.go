package smoke

import (
	"context"
	"crypto/ed25519"
	"crypto/rand"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/crypto/ssh/agent"

	"perch/entrypoint/contract"
)

// checkExitStatus has a command and a shell fed on stdin end with 7.
func checkExitStatus(ctx context.Context, j *job) (string, error) {
	_, command, err := j.client.ssh(ctx, "", host, "exit 7")
	if err != nil {
		return "", err
	}
	_, fed, err := j.client.ssh(ctx, "exit 7\n", "-T", host, "bash")
	if err != nil {
		return "", err
	}
	if command != 7 || fed != 7 {
		return "", fmt.Errorf("of a command %d, of a shell fed on stdin %d; want 7", command, fed)
	}
	return "", nil
}

func checkTerminal(ctx context.Context, j *job) (string, error) {
	out, status, err := j.client.ssh(ctx, "", "-tt", host, "tty")
	if err != nil {
		return "", err
	}
	tty := strings.TrimSpace(out)
	if status != 0 || !strings.HasPrefix(tty, "/dev/pts/") {
		return "", fmt.Errorf("exit status %d, terminal %q", status, tty)
	}
	return tty, nil
}

// checkSFTP sends a file, gets it back and compares.
func checkSFTP(ctx context.Context, j *job) (string, error) {
	sent, back := filepath.Join(j.dir, "key.pub"), filepath.Join(j.dir, "back")
	content := strings.Repeat("sftp\x00\r\n", 100_000)
	if err := os.WriteFile(sent, []byte(content), 0o600); err != nil {
		return "", err
	}
	batch := fmt.Sprintf("put %s sent\nget sent %s\n", sent, back)
	_, status, err := j.client.call(ctx, "sftp", batch, "-b", "-", host)
	if err != nil {
		return "", err
	}
	got, err := os.ReadFile(back)
	if status != 0 || err != nil {
		return "", errors.Join(fmt.Errorf("exit status %d", status), err)
	}
	if string(got) != content {
		return "", errors.New("a file came back changed")
	}
	return fmt.Sprintf("%d bytes both ways", len(content)), nil
}

// checkForward reaches the entrypoint's own socket through a forward: every
// image has that one, so nothing in the image need listen.
func checkForward(ctx context.Context, j *job) (string, error) {
	local := filepath.Join(j.dir, "forward")
	ctx, cancel := context.WithTimeout(ctx, sessionTime)
	defer cancel()
	sock, err := j.client.session(ctx, `printf %s "$_CONDOR_SCRATCH_DIR"/`+contract.Dir+"/"+contract.SocketName)
	if err != nil {
		return "", err
	}
	cmd := j.client.prepared(ctx, "ssh", "-N", "-o", "ExitOnForwardFailure=yes", "-L", local+":"+sock, host)
	if err := cmd.Start(); err != nil {
		return "", err
	}
	defer func() { cancel(); _ = cmd.Wait() }()
	if err := waitForSocket(ctx, local); err != nil {
		return "", err
	}
	return readBanner(local)
}

// waitForSocket waits until somebody listens on a socket.
func waitForSocket(ctx context.Context, path string) error {
	for {
		conn, err := net.Dial("unix", path)
		if err == nil {
			return conn.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("ssh opens no forward: %w", err)
		case <-time.After(pollTime):
		}
	}
}

// checkRemoteForward has the job reach a socket of this side's by a port there.
func checkRemoteForward(ctx context.Context, j *job) (string, error) {
	const said = "said on this side"
	listener, err := net.Listen("unix", filepath.Join(j.dir, "remote-forward"))
	if err != nil {
		return "", err
	}
	defer listener.Close()
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			fmt.Fprintln(conn, said)
			conn.Close()
		}
	}()
	port, err := freePort()
	if err != nil {
		return "", err
	}
	forward := fmt.Sprintf("127.0.0.1:%d:%s", port, listener.Addr())
	out, status, err := j.client.ssh(ctx, "", "-o", "ExitOnForwardFailure=yes", "-R", forward, host, "bash", "-c", quote(fmt.Sprintf("cat </dev/tcp/127.0.0.1/%d", port)))
	if err == nil && (status != 0 || out != said+"\n") {
		err = fmt.Errorf("exit status %d, and what came is %q", status, out)
	}
	return "", err
}

// freePort is a port that nobody has on this side; in most places it is one in
// the job, too.
func freePort() (int, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return 0, err
	}
	return listener.Addr().(*net.TCPAddr).Port, listener.Close()
}

// checkAgent has ssh-add in the job list the key of an agent on this side.
func checkAgent(ctx context.Context, j *job) (string, error) {
	sock := filepath.Join(j.dir, "agent")
	fingerprint, stop, err := serveAgent(sock)
	if err != nil {
		return "", err
	}
	defer stop()
	out, status, err := j.client.ssh(ctx, "", "-o", "IdentityAgent="+sock, "-o", "ForwardAgent=yes", host, "exec 2>&1; ssh-add -l")
	if err == nil && (status != 0 || !strings.Contains(out, fingerprint)) {
		err = fmt.Errorf("ssh-add -l ended with %d: %s", status, out)
	}
	return "", err
}

// serveAgent serves an agent with one new key on a socket.
func serveAgent(sock string) (fingerprint string, stop func(), err error) {
	public, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return "", nil, err
	}
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		return "", nil, err
	}
	keys := agent.NewKeyring()
	if err := keys.Add(agent.AddedKey{PrivateKey: private}); err != nil {
		return "", nil, err
	}
	listener, err := net.Listen("unix", sock)
	if err != nil {
		return "", nil, err
	}
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				_ = agent.ServeAgent(keys, conn)
			}()
		}
	}()
	return ssh.FingerprintSHA256(key), func() { listener.Close() }, nil
}

// checkGit makes a repository in the job and clones it over a session.
func checkGit(ctx context.Context, j *job) (string, error) {
	const content = "cloned over a session"
	_, err := j.client.session(ctx, `set -e; git init -q repository; cd repository; echo '`+content+`' >file; git add file
git -c user.name=smoke -c user.email=smoke@localhost commit -qm smoke`)
	if err != nil {
		return "", err
	}
	ctx, cancel := context.WithTimeout(ctx, sessionTime)
	defer cancel()
	clone := filepath.Join(j.dir, "clone")
	cmd := exec.CommandContext(ctx, "git", "clone", "-q", host+":repository", clone)
	cmd.Env = append(append(os.Environ(), j.client.env...), "GIT_SSH_COMMAND="+j.client.command(), "GIT_SSH_VARIANT=ssh")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("git clone: %w: %s", err, out)
	}
	got, err := os.ReadFile(filepath.Join(clone, "file"))
	if err == nil && string(got) != content+"\n" {
		err = fmt.Errorf("the clone has %q", got)
	}
	return "", err
}
