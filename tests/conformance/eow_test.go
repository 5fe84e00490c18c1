package conformance

import (
	"io"
	"os"
	"path/filepath"
	"testing"
)

// A client on whose output nobody listens any more says so by eow@openssh.com.
// On a terminal nobody gets SIGPIPE for that: the session goes on, takes input,
// and ends with the command, as with sshd. Without one the command is ended
// (broken-pipe).
func testEOW(t *testing.T, j job) {
	note := filepath.Join(t.TempDir(), "note")
	cmd := j.SSH(options{"-tt", "-vv"}, "stty -echo; echo ready; read a; echo \"$a\"; read b; echo more; echo \"$b\" >"+note+"; exit 4")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	b := &running{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = w, &b.stderr
	b.start(t)
	w.Close()
	if _, err := io.ReadFull(stdout, make([]byte, len("ready"))); err != nil {
		t.Fatal(err)
	}
	stdout.Close()
	io.WriteString(stdin, "one\n")
	b.says(t, `channel \d+: send eow`)
	io.WriteString(stdin, "two\n")
	await(t, "the client ends", b.ended)
	if code := cmd.ProcessState.ExitCode(); code != 4 {
		t.Errorf("exit %d: %s", code, &b.stderr)
	}
	same(t, note, []byte("two\n"))
}
