package smoke

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"perch/entrypoint/contract"
)

// checks are tried in this order: the first is the condition of all others, the
// last one ends the job.
var checks = []check{
	{"entrypoint ready", checkReady},
	{"system", checkSystem},
	{"user", checkUser},
	{"root read-only", checkRoot},
	{"home", checkHome},
	{"scratch and tmp", checkTmp},
	{"exit status", checkExitStatus},
	{"terminal", checkTerminal},
	{"sftp", checkSFTP},
	{"forward", checkForward},
	{"stop", checkStop},
}

const (
	readyTime = time.Minute
	stopTime  = time.Minute
	// pollTime is the time between two looks at something that comes soon.
	pollTime = 50 * time.Millisecond
)

// checkReady waits until the entrypoint answers.
func checkReady(ctx context.Context, j *job) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		banner, err := readBanner(j.client.sock)
		if err == nil {
			return banner, nil
		}
		select {
		case <-j.ended:
			return "", fmt.Errorf("it ended with exit status %d: %s", j.cmd.ProcessState.ExitCode(), j.lastLine())
		case <-ctx.Done():
			return "", fmt.Errorf("it does not answer: %w", err)
		case <-time.After(pollTime):
		}
	}
}

// checkSystem finds the image's own system in a session.
func checkSystem(ctx context.Context, j *job) (string, error) {
	want, err := readInTree(j.tree, "/etc/os-release")
	if err != nil {
		return "", err
	}
	got, err := j.client.session(ctx, "cat /etc/os-release")
	if err != nil {
		return "", err
	}
	if got != want {
		return "", fmt.Errorf("/etc/os-release is not the image's, but %q", got)
	}
	for line := range strings.Lines(want) {
		if name, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(name), `"`), nil
		}
	}
	return "", errors.New("/etc/os-release has no PRETTY_NAME")
}

// readInTree reads a file of an unpacked image; links lead nowhere outside.
func readInTree(tree, path string) (string, error) {
	root, err := os.OpenRoot(tree)
	if err != nil {
		return "", err
	}
	defer root.Close()
	name := strings.TrimPrefix(path, "/")
	if link, err := root.Readlink(name); err == nil && filepath.IsAbs(link) {
		name = strings.TrimPrefix(link, "/")
	}
	content, err := root.ReadFile(name)
	return string(content), err
}

// checkUser looks for the right uid, and no rights beyond it.
func checkUser(ctx context.Context, j *job) (string, error) {
	out, err := j.client.session(ctx, "cat /proc/self/status")
	if err != nil {
		return "", err
	}
	uid, caps, noNew := statusField(out, "Uid"), statusField(out, "CapEff"), statusField(out, "NoNewPrivs")
	if uid != fmt.Sprint(j.uid) || strings.Trim(caps, "0") != "" || noNew != "1" {
		return "", fmt.Errorf("uid %s, capabilities %s, no_new_privs %s; want %d, none, 1", uid, caps, noNew, j.uid)
	}
	return fmt.Sprintf("uid %d, no capabilities", j.uid), nil
}

// statusField returns the first value of a field of proc_pid_status(5).
func statusField(status, name string) string {
	for line := range strings.Lines(status) {
		if rest, ok := strings.CutPrefix(line, name+":"); ok {
			value, _, _ := strings.Cut(strings.TrimSpace(rest), "\t")
			return value
		}
	}
	return ""
}

func checkRoot(ctx context.Context, j *job) (string, error) {
	out, err := j.client.session(ctx, `for d in / /usr /etc /var; do (: >$d/perch-smoke) 2>/dev/null && echo $d; done; :`)
	if err != nil {
		return "", err
	}
	if out != "" {
		return "", fmt.Errorf("files can be made in %s", strings.Join(strings.Fields(out), ", "))
	}
	return "", nil
}

// checkHome wants sessions to start in the scratch directory, as their home.
func checkHome(ctx context.Context, j *job) (string, error) {
	out, err := j.client.session(ctx, `: >"$HOME/smoke" && pwd && printf '%s\n' "$HOME"`)
	if err != nil {
		return "", err
	}
	if want := j.scratch + "\n" + j.scratch + "\n"; out != want {
		return "", fmt.Errorf("sessions start in and have as home %q, want %q", out, want)
	}
	return "", nil
}

// checkTmp wants the directories that the entrypoint promises: there, the
// user's own, and short enough for an IDE's sockets.
func checkTmp(ctx context.Context, j *job) (string, error) {
	const longest = 53
	out, err := j.client.session(ctx, `for d in "$HOME/scratch" "$TMPDIR" "$XDG_RUNTIME_DIR" /tmp /var/tmp; do (: >"$d/smoke") || exit 1; done; printf '%s\n' "$TMPDIR" "$XDG_RUNTIME_DIR"`)
	if err != nil {
		return "", err
	}
	dirs := strings.Fields(out)
	if len(dirs) != 2 {
		return "", fmt.Errorf("TMPDIR and XDG_RUNTIME_DIR are %q", out)
	}
	for _, dir := range dirs {
		if len(dir) > longest {
			return "", fmt.Errorf("%s is longer than %d bytes", dir, longest)
		}
	}
	return dirs[0], nil
}

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
	args := append(j.client.options(), "-N", "-o", "ExitOnForwardFailure=yes", "-L", local+":"+j.client.sock, host)
	cmd := exec.CommandContext(ctx, "ssh", args...)
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

// checkStop asks the entrypoint to end, as perch stop does.
func checkStop(ctx context.Context, j *job) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	out, _, err := j.client.ssh(ctx, contract.CommandStop+"\n", "-s", contract.ControlUser+"@"+host, contract.Subsystem)
	if err != nil {
		return "", err
	}
	if reply := strings.TrimSpace(out); reply != contract.ReplyOK {
		return "", fmt.Errorf("the answer is %q, want %q", reply, contract.ReplyOK)
	}
	status, err := j.exitStatus(ctx)
	if err == nil && status != contract.ExitOK {
		err = fmt.Errorf("exit status %d: %s", status, j.lastLine())
	}
	return "exit status 0", err
}
