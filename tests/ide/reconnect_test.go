package ide

import (
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"perch/tests/browser"
	"perch/tests/session"
)

// way leads from a port of this machine, where the browser comes in, to sockets
// in the job.
type way struct {
	port string
	ssh  func(socket string) *exec.Cmd
	// lose comes before a connection is cut, back before it is made anew, and
	// proof once it stands.
	lose, back, proof func()
}

// here: the user is on the submit host.
func (j *job) here(t *testing.T) way {
	port := strconv.Itoa(session.FreePort(t))
	ssh := func(socket string) *exec.Cmd {
		return j.ssh([]string{"-T", "-L", "127.0.0.1:" + port + ":" + socket}, "bash")
	}
	nothing := func() {}
	return way{port, ssh, nothing, nothing, nothing}
}

// there: the user is on a laptop, which loses its network and comes back from
// another address.
func (l *laptop) there(t *testing.T) way {
	near := filepath.Join(t.TempDir(), "s")
	w := way{port: session.Relay(t, near), lose: func() { l.lose(t) }, back: func() { l.move(t) }}
	w.ssh = func(socket string) *exec.Cmd { return l.ssh([]string{"-T", "-L", near + ":" + socket}, "bash") }
	w.proof = func() {
		if from := l.cameFrom(); from != address(l.moves) || l.standing(t, from) == 0 {
			t.Errorf("sshd let in %s last, and the laptop is %s", from, address(l.moves))
		}
	}
	return w
}

// kept is a window by a connection that can be cut and made anew.
type kept struct {
	*browser.Window
	way
	socket string // of the server
	script func(id string) string
	c      *conversation
	server string // its process
	folder string
}

// keep opens a window with a terminal. The server waits for it for grace, in
// place of VS Code's three hours, when the connection is cut.
func keep(t *testing.T, j *job, w way, grace time.Duration) *kept {
	name := j.ownServer(t)
	k := &kept{Window: browser.Start(t, ""), way: w, socket: "/tmp/code-" + name}
	k.script = func(id string) string {
		return j.script(id, name, fmt.Sprintf("--socket-path=%s --reconnection-grace-time %.0f", k.socket, grace.Seconds()))
	}
	k.folder = j.folder(t, name)
	k.connect(t)
	k.Open(window(k.port, k.folder), "main.py")
	k.Terminal()
	k.Answers(`kept=$((6*7)); echo kept-$kept`, "kept-42")
	return k
}

// connect makes the connection, as another one than before. It finds the server
// that the first has started.
func (k *kept) connect(t *testing.T) {
	t.Helper()
	k.c = talk(t, k.ssh(k.socket))
	k.c.send(k.script(k.c.id))
	server := k.c.result()["serverPid"]
	if k.server != "" && k.server != server {
		t.Fatalf("the server is process %s, was %s", server, k.server)
	}
	k.server = server
	k.proof()
}

// reconnect: the window finds the terminal in it again, and is not loaded anew.
func reconnect(t *testing.T, j *job, w way, absences ...time.Duration) {
	k := keep(t, j, w, 5*time.Minute)
	k.Mark()
	for i, away := range absences {
		k.lose()
		k.c.cut()
		time.Sleep(away) // what is tried is an absence of this length
		k.back()
		k.connect(t)
		k.Answers(fmt.Sprintf(`echo after-%d-$kept`, i), fmt.Sprintf("after-%d-42", i))
		if !k.Marked() {
			t.Fatalf("after %v the window was loaded anew", away)
		}
	}
	k.Edit("main.py", "# after all")
}

// fromElsewhere: the submit host hears nothing of the connections' ends, and
// has the old ones beside the new.
func fromElsewhere(t *testing.T, j *job, l *laptop) {
	first := l.moves
	reconnect(t, j, l.there(t), time.Second, time.Minute)
	if l.moves != first+2 {
		t.Errorf("the laptop has moved %d times", l.moves-first)
	}
	for n := first; n <= l.moves; n++ {
		if got := l.standing(t, address(n)); got != 1 {
			t.Errorf("the submit host has %d connections with %s", got, address(n))
		}
	}
	t.Logf("sshd says:\n%s", l.host.log)
}

// tooLate: nobody comes back while the server waits, and it forgets the window.
// It lives on, and so does the folder, for a window that is loaded anew.
func tooLate(t *testing.T, j *job, w way) {
	k := keep(t, j, w, 5*time.Second)
	k.c.cut() // its end arrives, or the server would not begin to wait
	log := fmt.Sprintf(".vscode-server/%s/data/logs/*/remoteagent.log", path.Base(k.folder)[len("project-"):])
	await(t, "the server gives the window up", func() bool {
		return strings.Contains(j.run(t, "cat "+log), "expired")
	})
	k.lose()
	k.back()
	k.connect(t)
	k.Reload("main.py")
	k.Terminal()
	k.Answers(`echo again-$((6*7))`, "again-42")
}
