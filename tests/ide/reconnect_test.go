package ide

import (
	"fmt"
	"path"
	"strconv"
	"strings"
	"testing"
	"time"

	"perch/tests/browser"
	"perch/tests/session"
)

// kept is a window by a connection that can be cut and made anew.
type kept struct {
	*browser.Window
	job    *job
	socket string // of the server
	port   int    // that leads to it
	script func(id string) string
	c      *conversation
	server string // its process
	folder string
}

// keep opens a window with a terminal. The server waits for it for grace, in
// place of VS Code's three hours, when the connection is cut.
func keep(t *testing.T, j *job, grace time.Duration) *kept {
	name, port := j.ownServer(t), session.FreePort(t)
	k := &kept{Window: browser.Start(t, ""), job: j, port: port, socket: fmt.Sprintf("/tmp/code-%d", port)}
	k.script = func(id string) string {
		return j.script(id, name, fmt.Sprintf("--socket-path=%s --reconnection-grace-time %.0f", k.socket, grace.Seconds()))
	}
	k.folder = j.folder(t, name)
	k.connect(t)
	k.Open(window(strconv.Itoa(port), k.folder), "main.py")
	k.Terminal()
	k.Answers(`kept=$((6*7)); echo kept-$kept`, "kept-42")
	return k
}

// connect makes the connection, as another one than before. It finds the server
// that the first has started.
func (k *kept) connect(t *testing.T) {
	t.Helper()
	k.c = talk(t, k.job.ssh([]string{"-T", "-L", fmt.Sprintf("127.0.0.1:%d:%s", k.port, k.socket)}, "bash"))
	k.c.send(k.script(k.c.id))
	server := k.c.result()["serverPid"]
	if k.server != "" && k.server != server {
		t.Fatalf("the server is process %s, was %s", server, k.server)
	}
	k.server = server
}

// reconnect: the window finds the terminal in it again, and is not loaded anew.
func reconnect(t *testing.T, j *job) {
	k := keep(t, j, 5*time.Minute)
	k.Mark()
	for i, away := range []time.Duration{time.Second, time.Minute} {
		k.c.cut()
		time.Sleep(away) // what is tried is an absence of this length
		k.connect(t)
		k.Answers(fmt.Sprintf(`echo after-%d-$kept`, i), fmt.Sprintf("after-%d-42", i))
		if !k.Marked() {
			t.Fatalf("after %v the window was loaded anew", away)
		}
	}
	k.Edit("main.py", "# after all")
}

// tooLate: nobody comes back while the server waits, and it forgets the window.
// It lives on, and so does the folder, for a window that is loaded anew.
func tooLate(t *testing.T, j *job) {
	k := keep(t, j, 5*time.Second)
	k.c.cut()
	log := fmt.Sprintf(".vscode-server/%s/data/logs/*/remoteagent.log", path.Base(k.folder)[len("project-"):])
	await(t, "the server gives the window up", func() bool {
		return strings.Contains(j.run(t, "cat "+log), "expired")
	})
	k.connect(t)
	k.Reload("main.py")
	k.Terminal()
	k.Answers(`echo again-$((6*7))`, "again-42")
}
