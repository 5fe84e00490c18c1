package ide

import (
	_ "embed"
	"encoding/json"
	"os"
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
	arguments, err := json.Marshal(map[string]any{
		"proxy": []string{session.Program("perch"), "proxy", j.target}, "key": s.Identity,
		"hostKey": strings.Fields(string(known))[2], "script": script, "socket": "/tmp/nobody",
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
		Platform, Install, Signal, Port, ClosedPort, ClosedSocket string
		Code                                                      ended
		Ports, Execs                                              []string
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	commit := j.server.Commit
	want.Platform, want.Signal, want.Port = "Linux", "SIGTERM", commit
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
