package conformance

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// The user's agent answers in the job if the user wants it, and only then.
func testAgent(t *testing.T, j job) {
	socket := filepath.Join(short(t), "agent")
	agent := background(t, j.Command("ssh-agent", "-D", "-a", socket))
	await(t, "the agent listens", func() bool { _, err := os.Stat(socket); return err == nil })

	with := *j.Job
	with.Env = append(with.Env[:len(with.Env):len(with.Env)], "SSH_AUTH_SOCK="+socket)
	a := job{&with, j.keys, nil}
	run(t, a.Command("ssh-add", "-q", filepath.Join(j.keys, "stranger"))).want(t, "", "", 0)
	keys := a.Run(t, "ssh-add", "-L")
	a.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		run(t, ssh(options{"-A"}, "ssh-add -L")).want(t, keys, "", 0)
		run(t, ssh(options{"-A"}, "ssh-add -T "+filepath.Join(j.keys, "stranger.pub"))).want(t, "", "", 0)
		if r := run(t, ssh(options{"-A"}, `stat -c %a "$(dirname $(realpath "$SSH_AUTH_SOCK"))"`)); strings.TrimSpace(r.stdout) != "700" {
			t.Errorf("the directory of the agent's socket: got %+v", r)
		}
		if r := run(t, ssh(options{"-a"}, "ssh-add -L")); r.code == 0 || r.stdout != "" {
			t.Errorf("without -A: got %+v", r)
		}
	})
	agent.stop()
	if r := run(t, a.SSH(options{"-A"}, "ssh-add -L")); r.code == 0 {
		t.Errorf("without an agent: got %+v", r)
	}
}
