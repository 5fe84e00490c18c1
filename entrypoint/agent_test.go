package main

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// startAgent runs an agent with one key, and returns its socket and what
// ssh-add -l says of it.
func startAgent(t *testing.T, key string) (socket, list string) {
	t.Helper()
	socket = filepath.Join(t.TempDir(), "agent")
	agent := exec.CommandContext(t.Context(), "ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	add := func(args ...string) result {
		cmd := exec.Command("ssh-add", args...)
		cmd.Env = []string{"SSH_AUTH_SOCK=" + socket}
		return run(t, cmd, "")
	}
	eventually(t, "the agent takes the key", func() bool { return add("-q", key).code == 0 })
	if list = add("-l").stdout; list == "" {
		t.Fatal("the agent has no key")
	}
	return socket, list
}

// sshWith runs a command in the job with an agent.
func (j *job) sshWith(agent string, args ...string) result {
	cmd := j.client("ssh", args...)
	cmd.Env = []string{"SSH_AUTH_SOCK=" + agent}
	return run(j.t, cmd, "")
}

func TestAgent(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	socket, want := startAgent(t, j.identity)
	if got := j.sshWith(socket, "-A", "job", "ssh-add -l"); got.stdout != want {
		t.Errorf("ssh-add -l in the job: got %+v, want %q", got, want)
	}
	if got := j.ssh("", "job", "echo $SSH_AUTH_SOCK"); got.stdout != "\n" {
		t.Errorf("SSH_AUTH_SOCK without -A: got %q", got.stdout)
	}
}

// A tmux that was started in one connection is entered from another one, and
// its shell uses the agent of that, which has another key.
func TestAgentInTmux(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	socket, _ := startAgent(t, j.identity)
	tmux := "tmux -S " + filepath.Join(t.TempDir(), "tmux") + " -f /dev/null "
	if got := j.sshWith(socket, "-A", "job", tmux+"new-session -d -x 200 'exec bash --norc'"); got.code != 0 {
		t.Fatalf("starting tmux: got %+v", got)
	}
	other := filepath.Join(t.TempDir(), "other")
	makeKey(t, other)
	socket, want := startAgent(t, other)
	j.backgroundWith(socket, "-A", "job", "sleep 1000")
	eventually(t, "the shell in tmux sees the other agent", func() bool {
		got := j.ssh("", "job", tmux+"send-keys 'ssh-add -l > list 2>&1' Enter; sleep 0.2; cat list")
		return strings.Contains(got.stdout, want)
	})
}
