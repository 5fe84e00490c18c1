package ide

import (
	_ "embed"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"perch/tests/session"
	"perch/tests/vscode"
)

//go:embed ssh2.js
var ssh2 []byte

// openRemoteSSH is the way of VSCodium's extension: no ssh program, but npm's
// ssh2, which reads the ProxyCommand from ssh_config.
func openRemoteSSH(t *testing.T, j *job, s *session.Job) {
	node, modules := vscode.Node(t)
	name := j.ownServer(t)
	known, err := os.ReadFile(s.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	driver := filepath.Join(t.TempDir(), "ssh2.js")
	if err := os.WriteFile(driver, ssh2, 0o600); err != nil {
		t.Fatal(err)
	}
	script, _, _ := strings.Cut(j.script("id", name, onPort), "while true")
	socket := socketName(t)
	other := talk(t, j.ssh([]string{"-T"}, "bash"))
	other.send(j.script(other.id, j.ownServer(t), "--socket-path="+socket))
	other.result()
	agent, held := startAgent(t)
	arguments, err := json.Marshal(map[string]any{
		"proxy": []string{session.Program("perch"), "proxy", j.target}, "key": s.Identity,
		"hostKey": strings.Fields(string(known))[2], "script": script, "liveSocket": socket, "deadSocket": "/tmp/nobody", "agent": agent,
	})
	if err != nil {
		t.Fatal(err)
	}
	cmd := j.command(node, driver, string(arguments))
	cmd.Env = append(cmd.Env, "NODE_PATH="+modules)
	stderr := &buffer{}
	cmd.Stderr = stderr
	hung := time.AfterFunc(2*time.Minute, func() { cmd.Process.Kill() })
	defer hung.Stop()
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	type ended struct {
		Stdout, Stderr string
		Code           int
	}
	var got, want struct {
		Platform, Install, Signal, Port, ClosedPort, ClosedSocket, Socket, Agent, Pty string
		Code                                                                          ended
		Ports, Execs                                                                  []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	commit := j.server.Commit
	want.Platform, want.Signal, want.Port = "Linux", "SIGTERM", commit
	want.Socket, want.Agent, want.Pty = commit, held, "40 132 true 3"
	want.Code = ended{"out\n", "err\n", 7}
	want.Ports = []string{commit, commit, commit, commit}
	want.Execs = []string{"1", "2", "3", "4", "5", "6", "7", "8"}
	if !strings.HasPrefix(got.Install, "id: running\nid: start\nexitCode==0==\n") || !strings.HasSuffix(got.Install, "id: end\n") {
		t.Errorf("the script says %q", got.Install)
	}
	for what, refusal := range map[string]string{"port": got.ClosedPort, "socket": got.ClosedSocket} {
		if !strings.HasPrefix(refusal, "(SSH) Channel open failure: ") {
			t.Errorf("a %s where nobody listens: %q", what, refusal)
		}
	}
	got.Install, got.ClosedPort, got.ClosedSocket = "", "", ""
	if !reflect.DeepEqual(got, want) {
		t.Errorf("ssh2 got %+v, want %+v", got, want)
	}
}

// startAgent starts an ssh-agent with one key, and returns its socket and what
// ssh-add says of it.
func startAgent(t *testing.T) (socket, list string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "agent") // a socket's path is short
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	socket, key := filepath.Join(dir, "sock"), filepath.Join(dir, "key")
	agent := exec.Command("ssh-agent", "-D", "-a", socket)
	if err := agent.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { agent.Process.Kill(); agent.Wait() })
	await(t, "the agent listens", func() bool { _, err := os.Stat(socket); return err == nil })
	for _, args := range [][]string{{"ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "agent's", "-f", key}, {"ssh-add", "-q", key}, {"ssh-add", "-l"}} {
		cmd := exec.Command(args[0], args[1:]...)
		cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+socket)
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%q: %v\n%s", args, err, out)
		}
		list = string(out)
	}
	return socket, list
}
