package ide

import (
	"fmt"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"

	"perch/tests/vscode"
)

// job is a running job with a VS Code server unpacked in its home, as the
// client sees it: by perch-ssh on the submit host.
type job struct {
	command func(program string, args ...string) *exec.Cmd
	target  string
	server  vscode.Server
	// home is the job home, as the job sees it.
	home string
}

// token is what the servers ask their clients for.
const token = "perch-test-token"

// settings are those of the user. They switch off what asks questions, what
// wants the internet, what draws the terminal on a canvas, what starts terminals
// anew when an extension has something for their environment, and what draws a
// command once more above its output.
const settings = `{"security.workspace.trust.enabled": false, "workbench.startupEditor": "none",
"chat.disableAIFeatures": true, "terminal.integrated.gpuAcceleration": "off",
"terminal.integrated.enablePersistentSessions": true, "terminal.integrated.tabs.enabled": false,
"terminal.integrated.environmentChangesRelaunch": false, "terminal.integrated.stickyScroll.enabled": false, "extensions.autoCheckUpdates": false, "telemetry.telemetryLevel": "off"}`

// upload sends the server into the job and unpacks it where the client expects
// it, as Remote - SSH does where the remote has no way to the internet.
func (j *job) upload(t *testing.T) {
	t.Helper()
	archive, err := os.Open(j.server.Archive)
	if err != nil {
		t.Fatal(err)
	}
	defer archive.Close()
	dir := ".vscode-server/bin/" + j.server.Commit
	cmd := j.ssh(nil, fmt.Sprintf("umask 077 && mkdir -p %[1]s && printf %[2]s >.vscode-server/token && tar -xz --strip-components=1 -C %[1]s && pwd", dir, token))
	cmd.Stdin = archive
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("uploading the server: %v", err)
	}
	j.home = strings.TrimSpace(string(out))
}

// ssh is perch-ssh with options before the target and a command after it.
func (j *job) ssh(options []string, command ...string) *exec.Cmd {
	return j.command("perch-ssh", append(append(options, j.target), command...)...)
}

// run runs a command in the job by a connection of its own.
func (j *job) run(t *testing.T, command string) string {
	t.Helper()
	cmd := j.ssh([]string{"-T"}, command)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v", command, err)
	}
	return strings.TrimRight(string(out), "\n")
}

// folder makes a folder with a file main.py in it for a window, and settings
// for the server called name. It returns the folder's path in the job.
func (j *job) folder(t *testing.T, name string) string {
	t.Helper()
	dir := path.Join(j.home, "project-"+name)
	j.run(t, fmt.Sprintf("mkdir -p %[1]s .vscode-server/%[2]s/data/User && echo 'print(6 * 7)' >%[1]s/main.py && printf %%s '%[3]s' >.vscode-server/%[2]s/data/User/settings.json",
		dir, name, settings))
	return dir
}

// stop ends the server called name, which outlives its connections.
func (j *job) stop(t *testing.T, name string) {
	t.Helper()
	j.run(t, fmt.Sprintf("kill $(cat .vscode-server/.%[1]s.pid); rm .vscode-server/.%[1]s.pid", name))
}
