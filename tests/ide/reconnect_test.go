package ide

import (
	"fmt"
	"strconv"
	"testing"
	"time"

	"perch/tests/browser"
	"perch/tests/session"
)

// reconnect: the connection is cut, and comes back as another one. The window
// finds the server that it left, and the terminal in it; nothing is loaded anew.
func reconnect(t *testing.T, j *job) {
	name, port := j.ownServer(t), session.FreePort(t)
	folder := j.folder(t, name)
	socket := fmt.Sprintf("/tmp/code-%d", port)
	connect := func() (*conversation, string) {
		c := talk(t, j.ssh([]string{"-T", "-L", fmt.Sprintf("127.0.0.1:%d:%s", port, socket)}, "bash"))
		c.send(j.script(c.id, name, "--socket-path="+socket+" --reconnection-grace-time 300"))
		return c, c.result()["serverPid"]
	}
	c, server := connect()
	w := browser.Start(t, "")
	w.Open(window(strconv.Itoa(port), folder), "main.py")
	w.Terminal()
	w.Answers(`kept=$((6*7)); echo kept-$kept`, "kept-42")
	w.Mark()
	for i, away := range []time.Duration{time.Second, time.Minute} {
		c.cut()
		time.Sleep(away) // what is tried is an absence of this length
		var again string
		if c, again = connect(); again != server {
			t.Fatalf("after %v the server is process %s, was %s", away, again, server)
		}
		w.Answers(fmt.Sprintf(`echo after-%d-$kept`, i), fmt.Sprintf("after-%d-42", i))
		if !w.Marked() {
			t.Fatalf("after %v the window was loaded anew", away)
		}
	}
	w.Edit("main.py", "# after all")
}
