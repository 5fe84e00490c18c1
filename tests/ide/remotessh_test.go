package ide

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"

	"perch/tests/session"
)

// conversations are those of Remote - SSH, for each of its modes.
func conversations(t *testing.T, j *job, s *session.Job) {
	for _, c := range []struct {
		name string
		hold func(*testing.T, *job)
	}{
		{"probe", probe},
		{"local-server mode, bash", func(t *testing.T, j *job) { localServer(t, j, noPty, "bash") }},
		{"local-server mode, platform unknown", func(t *testing.T, j *job) { localServer(t, j, noPty) }},
		{"local-server mode, pty permitted", func(t *testing.T, j *job) { localServer(t, j, nil, "bash") }},
		{"local-server mode, platform unknown, pty permitted", func(t *testing.T, j *job) { localServer(t, j, nil) }},
		{"local-server mode, configFile", func(t *testing.T, j *job) {
			localServer(t, j, []string{"-T", "-o", "RemoteCommand=none", "-F", configFile(t)}, "bash")
		}},
		{"local-server mode, RemoteCommand off", func(t *testing.T, j *job) { remoteCommand(t, j, s, false) }},
		{"local-server mode, RemoteCommand on", func(t *testing.T, j *job) { remoteCommand(t, j, s, true) }},
		{"terminal mode, sh", func(t *testing.T, j *job) { terminalMode(t, j, noPty, "sh") }},
		{"terminal mode, bash", func(t *testing.T, j *job) { terminalMode(t, j, noPty, "bash") }},
		{"terminal mode, pty permitted", func(t *testing.T, j *job) { terminalMode(t, j, nil, "bash") }},
		{"install, then a tunnel to a port", func(t *testing.T, j *job) { installAndTunnel(t, j, onPort) }},
		{"install, then a tunnel to a socket", func(t *testing.T, j *job) { installAndTunnel(t, j, "--socket-path="+socketName(t)) }},
		{"socket chosen by the client", chosenSocket},
		{"dialogue up to 0.113", dialogue},
		{"sub-shell", subShell},
		{"six windows at once", sixWindows},
		{"exit status", exitStatus},
	} {
		t.Run(c.name, func(t *testing.T) { t.Parallel(); c.hold(t, j) })
	}
}

// server is a name for a server of a test's own, which ends with it.
func (j *job) ownServer(t *testing.T) string {
	name := fmt.Sprintf("s%d", session.FreePort(t))
	t.Cleanup(func() { j.stop(t, name) })
	return name
}

func socketName(t *testing.T) string {
	return fmt.Sprintf("/tmp/vscode-ssh-remote-server-sock-%d", session.FreePort(t))
}

// probe: the client asks which ssh it has. No job may be asked for that.
func probe(t *testing.T, j *job) {
	out, err := j.command("perch-ssh", "-V").CombinedOutput()
	if err != nil || !strings.Contains(string(out), "OpenSSH") {
		t.Errorf("perch-ssh -V says %q, %v", out, err)
	}
}

// noPty is what the client says unless its setting permitPtyAllocation is on.
var noPty = []string{"-T"}

// localServer: one ssh with pipes and a SOCKS port. The script is written at
// once, and stdin stays open.
func localServer(t *testing.T, j *job, pty []string, shell ...string) {
	socks, name := session.FreePort(t), j.ownServer(t)
	options := slices.Concat([]string{"-v"}, pty, []string{"-D", strconv.Itoa(socks), "-o", "ConnectTimeout=15"})
	c := talk(t, j.ssh(options, shell...))
	c.send(j.script(c.id, name, onPort))
	result := c.result()
	for _, line := range []string{
		fmt.Sprintf("debug1: Local forwarding listening on 127.0.0.1 port %d.", socks),
		"Authenticated to ", "debug1: Entering interactive session.",
	} {
		c.saysOnStderr(line)
	}
	manyBySOCKS(t, j, socks, result["listeningOn"])
	refusedBySOCKS(t, socks)
	if !c.alive() {
		t.Errorf("the connection did not outlive a refused port:\n%s", c.stderr)
	}
}

// configFile is what remote.SSH.configFile names. It is no way to a job, and
// perch-ssh does not take it for one.
func configFile(t *testing.T) string {
	file := filepath.Join(t.TempDir(), "config")
	if err := os.WriteFile(file, []byte("Host *\n    HostName elsewhere.example.org\n    RemoteCommand exit 9\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// manyBySOCKS has six connections at once to a server that listens on a port.
func manyBySOCKS(t *testing.T, j *job, socks int, port string) {
	t.Helper()
	var all sync.WaitGroup
	for range 6 {
		all.Go(func() { j.reached(t, bySOCKS(socks), "http://127.0.0.1:"+port) })
	}
	all.Wait()
}

func refusedBySOCKS(t *testing.T, socks int) {
	t.Helper()
	if answer, err := bySOCKS(socks).Get("http://127.0.0.1:1/"); err == nil {
		t.Errorf("port 1 answers %s", answer.Status)
	}
}

// remoteCommand: a file that the user names (remote.SSH.configFile) has one, and
// the client switches it off, or has it read the script (enableRemoteCommand). It
// is the stock ssh's: perch-ssh reads no such file.
func remoteCommand(t *testing.T, j *job, s *session.Job, enabled bool) {
	const says = "this is the RemoteCommand"
	file := filepath.Join(t.TempDir(), "config")
	text := fmt.Sprintf("Include %s\nHost %s\n    RemoteCommand echo %s >&2; exec bash\n", s.Config, s.Alias, says)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	socks, name := session.FreePort(t), j.ownServer(t)
	args := []string{"-v", "-T", "-D", strconv.Itoa(socks), "-o", "ConnectTimeout=15"}
	if enabled {
		args = append(args, "-F", file, s.Alias)
	} else {
		args = append(args, "-o", "RemoteCommand=none", "-F", file, s.Alias, "bash")
	}
	c := talk(t, s.Command("ssh", args...))
	c.send(j.script(c.id, name, onPort))
	manyBySOCKS(t, j, socks, c.result()["listeningOn"])
	if said := strings.Contains(c.stderr.String(), says+"\n"); said != enabled {
		t.Errorf("the RemoteCommand ran: %v\n%s", said, c.stderr)
	}
}

// terminalMode: the script comes from a file, so stdin is at its end while the
// session lives on.
func terminalMode(t *testing.T, j *job, pty []string, shell string) {
	socks, name := session.FreePort(t), j.ownServer(t)
	c := talk(t, j.ssh(append(slices.Clone(pty), "-D", strconv.Itoa(socks)), shell))
	c.send(strings.ReplaceAll(j.script(c.id, name, onPort), "sleep 180", "sleep 1"))
	c.stdin.Close()
	port := c.result()["listeningOn"]
	// Blanks come as long as the script lives: it has outlived its input's end.
	manyBySOCKS(t, j, socks, port)
	if !c.alive() {
		t.Errorf("the end of input has ended the connection:\n%s", c.stderr)
	}
}

// installAndTunnel: without SOCKS a first ssh installs, and a second one leads
// to what the first has named.
func installAndTunnel(t *testing.T, j *job, listen string) {
	name := j.ownServer(t)
	c := talk(t, j.ssh([]string{"-T", "-o", "ClearAllForwardings=true", "-o", "ConnectTimeout=15"}, "bash"))
	c.send(j.script(c.id, name, listen))
	to := c.result()["listeningOn"]
	if !strings.HasPrefix(to, "/") {
		to = "127.0.0.1:" + to
	}
	port := session.FreePort(t)
	const keep = `echo "SSH_AUTH_SOCK==$SSH_AUTH_SOCK=="; echo "Do not close this terminal"; while true; do sleep 180; printf ' '; done`
	tunnel := talk(t, j.ssh([]string{"-T", "-L", fmt.Sprintf("127.0.0.1:%d:%s", port, to), "-o", "ConnectTimeout=15"}, keep))
	tunnel.expect("SSH_AUTH_SOCK====")
	tunnel.expect("Do not close this terminal")
	j.reached(t, byAddress("tcp", net.JoinHostPort("127.0.0.1", strconv.Itoa(port))), "http://server")
}

// chosenSocket: the client makes up the socket's name, and one ssh is both.
func chosenSocket(t *testing.T, j *job) {
	name, port := j.ownServer(t), session.FreePort(t)
	socket := fmt.Sprintf("/tmp/code-%d", port)
	c := talk(t, j.ssh([]string{"-T", "-L", fmt.Sprintf("127.0.0.1:%d:%s", port, socket), "-o", "ConnectTimeout=300"}, "sh"))
	c.send(j.script(c.id, name, "--socket-path="+socket))
	if got := c.result()["listeningOn"]; got != socket {
		t.Errorf("the server listens on %s, want %s", got, socket)
	}
	j.reached(t, byAddress("tcp", fmt.Sprintf("127.0.0.1:%d", port)), "http://server")
}

// sixWindows: several connections find the same job, and the one server.
func sixWindows(t *testing.T, j *job) {
	name := j.ownServer(t)
	first := talk(t, j.ssh([]string{"-T"}, "bash"))
	first.send(j.script(first.id, name, onPort))
	want := first.result()
	var all sync.WaitGroup
	for range 5 {
		socks := session.FreePort(t)
		c := talk(t, j.ssh([]string{"-v", "-T", "-D", strconv.Itoa(socks), "-o", "ConnectTimeout=60"}, "bash"))
		c.send(j.script(c.id, name, onPort))
		all.Go(func() {
			got := c.result()
			if got["serverPid"] != want["serverPid"] || got["listeningOn"] != want["listeningOn"] {
				t.Errorf("a window has the server %q, the first has %q", got, want)
			}
			j.reached(t, bySOCKS(socks), "http://127.0.0.1:"+got["listeningOn"])
		})
	}
	all.Wait()
}

func exitStatus(t *testing.T, j *job) {
	c := talk(t, j.ssh([]string{"-T"}, "bash"))
	c.send("exit 42\n")
	<-c.done
	if got := c.cmd.ProcessState.ExitCode(); got != 42 {
		t.Errorf("exit status %d, want the script's 42", got)
	}
}
