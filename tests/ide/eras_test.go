package ide

import (
	_ "embed"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"perch/tests/session"
)

//go:embed execserver.sh
var execServerScript string

// dialogue is how clients up to 0.113 began: a word of their own comes back, then
// the platform is asked for, and the script follows on the same shell.
func dialogue(t *testing.T, j *job) {
	socks, name := session.FreePort(t), j.ownServer(t)
	c := talk(t, j.ssh([]string{"-v", "-T", "-D", strconv.Itoa(socks), "-o", "ConnectTimeout=15"}, "bash"))
	c.send("echo 'ready: " + c.id + "'\n")
	c.expect("ready: " + c.id)
	c.send("uname\n")
	c.expect("Linux")
	c.send(j.script(c.id, name, onPort))
	manyBySOCKS(t, j, socks, c.result()["listeningOn"])
}

// subShell: since the exec server the client first asks one thing after the
// other, then has a second shell in the first, and only there runs its script.
// Nothing may lie in a buffer meanwhile.
func subShell(t *testing.T, j *job) {
	socks, name := session.FreePort(t), j.ownServer(t)
	c := talk(t, j.ssh([]string{"-v", "-T", "-D", strconv.Itoa(socks), "-o", "ConnectTimeout=15"}, "bash"))
	c.enterSubShell()
	c.send(j.script(c.id, name, onPort))
	manyBySOCKS(t, j, socks, c.result()["listeningOn"])
}

// enterSubShell asks what the client asks, and returns the sub-shell's number.
func (c *conversation) enterSubShell() string {
	c.t.Helper()
	c.send("uname -rsv\n")
	if got := c.line(); !strings.HasPrefix(got, "Linux ") {
		c.t.Fatalf("uname says %q", got)
	}
	c.send("echo \"Parent Shell: ${0##*/}\"\n")
	c.expect("Parent Shell: bash")
	c.send("echo $$\n")
	parent := c.line()
	c.send("sh -c 'echo $$; exec sh'\n")
	child := c.line()
	if child == parent {
		c.t.Errorf("the sub-shell is the shell, %s", child)
	}
	return child
}

// execServer: the whole conversation of today's client with a job that reaches no
// internet. What it copies is what it would have downloaded.
func execServer(t *testing.T, j *job, s *session.Job) {
	socks, name := session.FreePort(t), "exec"+strconv.Itoa(session.FreePort(t))
	c := talk(t, j.ssh([]string{"-v", "-T", "-D", strconv.Itoa(socks), "-o", "ConnectTimeout=15"}, "bash"))
	child := c.enterSubShell()
	c.send(strings.NewReplacer("@ID@", c.id, "@COMMIT@", j.server.Commit, "@NAME@", name).Replace(execServerScript))
	c.expect(c.id + ": running")
	c.expect("Script executing under PID: " + child)

	c.expect(c.id + ":trigger_server_download")
	asked := c.keys(c.id + ":trigger_server_download_end")
	c.expect("Waiting for client to transfer server archive...")
	if asked["destFolder"] != path.Join(j.home, ".vscode-server") {
		t.Errorf("the archive shall go to %q", asked)
	}
	to := s.Alias + ":" + asked["destFolder"] + asked["destFolder2"]
	flag := filepath.Join(t.TempDir(), "done")
	if err := os.WriteFile(flag, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s.Run(t, "scp", "-F", s.Config, "-o", "ConnectTimeout=15", j.server.Archive, to)
	s.Run(t, "scp", "-F", s.Config, "-o", "ConnectTimeout=15", flag, to+".done")

	c.expect("Found flag and server on host")
	c.expect(c.id + "%%2%%")
	result := c.block()
	for key, want := range map[string]string{"unpackResult": "success", "bitness": "64", "didLocalDownload": "1"} {
		if result[key] != want {
			t.Errorf("%s is %q, want %q", key, result[key], want)
		}
	}
	manyBySOCKS(t, j, socks, strings.TrimPrefix(result["listeningOn"], "127.0.0.1:"))

	pid := j.run(t, "cat .vscode-server/."+name+".pid")
	c.cut()
	await(t, "the server has ended with its shell", func() bool {
		return j.run(t, "kill -0 "+pid+" 2>/dev/null || echo gone") == "gone"
	})
	j.run(t, "rm -r .vscode-server/cli")
}
