package ide

import (
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"testing"

	"perch/tests/browser"
	"perch/tests/session"
)

// window is what the address of a workbench is for a folder of the job.
func window(port, folder string) string {
	return fmt.Sprintf("http://127.0.0.1:%s/?tkn=%s&folder=%s", port, token, url.QueryEscape(folder))
}

// workbenchByForward: the server is on a socket, in front of which ssh has a
// port of this machine.
func workbenchByForward(t *testing.T, j *job) {
	name, port := j.ownServer(t), session.FreePort(t)
	folder := j.folder(t, name)
	socket := fmt.Sprintf("/tmp/code-%d", port)
	c := talk(t, j.ssh([]string{"-T", "-L", fmt.Sprintf("127.0.0.1:%d:%s", port, socket)}, "bash"))
	c.send(j.script(c.id, name, "--socket-path="+socket))
	c.result()
	work(t, j, browser.Start(t, ""), window(strconv.Itoa(port), folder), folder)
}

// workbenchBySOCKS: the server is on a port in the job, which is the browser's
// only by ssh's SOCKS.
func workbenchBySOCKS(t *testing.T, j *job) {
	name, socks := j.ownServer(t), session.FreePort(t)
	folder := j.folder(t, name)
	c := talk(t, j.ssh([]string{"-T", "-D", strconv.Itoa(socks)}, "bash"))
	c.send(j.script(c.id, name, onPort))
	port := c.result()["listeningOn"]
	work(t, j, browser.Start(t, fmt.Sprintf("socks5://127.0.0.1:%d", socks)), window(port, folder), folder)
}

// work is the first minute of a user's day.
func work(t *testing.T, j *job, w *browser.Window, address, folder string) {
	w.Open(address, "main.py")
	w.Terminal()
	// Not into the folder: the explorer's rows would move just when one is clicked.
	w.Answers(`echo "$PWD" >../typed; kept=$((6*7)); curl -s -m 10 --unix-socket "$VSCODE_IPC_HOOK_CLI" http://code/ && echo live-$kept`, "live-42")
	if got := j.run(t, "cat typed; rm typed"); got != folder {
		t.Errorf("the terminal wrote %q, want %q", got, folder)
	}
	w.Edit("main.py", "# edited in the browser")
	await(t, "sftp reads what was edited", func() bool {
		return strings.HasPrefix(sftpRead(t, j, folder+"/main.py"), "print(6 * 7)\n# edited in the browser")
	})
	sameEnvironment(t, j, w)
	w.Reload("main.py")
	w.Answers(`echo same-$kept-$((40+2))`, "same-42-42")
	w.Run("clear")
	w.Run("hostname; nproc; echo $_CONDOR_SLOT")
	shown := "echo $_CONDOR_SLOT"
	for _, command := range []string{"hostname", "nproc", "echo $_CONDOR_SLOT", `echo "$(id -un)@${HOSTNAME%%.*}:"`} {
		answer := j.run(t, command)
		if answer == "" {
			t.Errorf("%q says nothing", command)
		}
		shown += answer
	}
	w.Shows(shown)
	t.Logf("screenshot: %s", w.Screenshot("workbench.png"))
}

// sameEnvironment: what commands have, an IDE's terminal has, too; the IDE puts its
// own before PATH.
func sameEnvironment(t *testing.T, j *job, w *browser.Window) {
	t.Helper()
	w.Answers("env >../environment; echo written-$((40+2))", "written-42")
	terminal, command := variables(j.run(t, "cat environment; rm environment")), variables(j.run(t, "env"))
	for _, name := range []string{"SHLVL", "_", "PWD", "OLDPWD", "TERM"} {
		delete(command, name)
	}
	_, terminal["PATH"], _ = strings.Cut(terminal["PATH"], ":")
	for name, value := range command {
		if got := terminal[name]; got != value {
			t.Errorf("in the IDE's terminal %s is %q, in a command %q", name, got, value)
		}
	}
	if command["_CONDOR_SLOT"] == "" || terminal["TERM"] == "" {
		t.Errorf("a command has %q, the terminal %q", command, terminal)
	}
}

func variables(text string) map[string]string {
	vars := map[string]string{}
	for line := range strings.Lines(text) {
		if name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "="); ok {
			vars[name] = value
		}
	}
	return vars
}

// sftpRead reads a file over a channel that has nothing to do with the window's.
func sftpRead(t *testing.T, j *job, file string) string {
	t.Helper()
	cmd := j.ssh([]string{"-s"}, "sftp")
	return readBySFTP(t, cmd, file)
}
