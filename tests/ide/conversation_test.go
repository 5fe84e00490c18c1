package ide

import (
	"bufio"
	"bytes"
	"crypto/rand"
	_ "embed"
	"io"
	"os/exec"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

//go:embed classic.sh
var classic string

// script is what the client sends, for a server called name.
func (j *job) script(id, name, listen string) string {
	return strings.NewReplacer("@ID@", id, "@COMMIT@", j.server.Commit, "@NAME@", name, "@LISTEN@", listen).Replace(classic)
}

// onPort is how the script has a server listen on a port.
const onPort = "--host=127.0.0.1 --port=0"

// conversation is one ssh as the client holds it: a script goes in, lines with
// markers come out.
type conversation struct {
	t      *testing.T
	id     string
	cmd    *exec.Cmd
	stdin  io.WriteCloser
	lines  chan string
	stderr *buffer
	done   chan struct{}
}

// buffer is for a stream that is read while it is written.
type buffer struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.text.String()
}

// talk starts cmd, which ends with the test at the latest.
func talk(t *testing.T, cmd *exec.Cmd) *conversation {
	t.Helper()
	c := &conversation{t: t, id: strings.ToLower(rand.Text())[:12], cmd: cmd, lines: make(chan string, 1000),
		stderr: &buffer{}, done: make(chan struct{})}
	cmd.Stderr = c.stderr
	stdin, errIn := cmd.StdinPipe()
	stdout, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil {
		t.Fatal(errIn, errOut)
	}
	c.stdin = stdin
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(c.done)
		defer close(c.lines)
		for scanner := bufio.NewScanner(stdout); scanner.Scan(); {
			c.lines <- scanner.Text()
		}
		cmd.Wait()
	}()
	t.Cleanup(c.cut)
	return c
}

// cut ends the connection at once, as when the network goes.
func (c *conversation) cut() {
	if c.cmd.Cancel != nil { // in a pool, it is another process that is to be killed
		c.cmd.Cancel()
	} else {
		c.cmd.Process.Kill()
	}
	<-c.done
}

// send writes to the remote shell's standard input.
func (c *conversation) send(text string) {
	c.t.Helper()
	if _, err := io.WriteString(c.stdin, text); err != nil {
		c.t.Fatalf("writing to %q: %v\n%s", c.cmd.Args, err, c.stderr)
	}
}

// line waits for the next line.
func (c *conversation) line() string {
	c.t.Helper()
	select {
	case line, open := <-c.lines:
		if !open {
			c.t.Fatalf("%q has ended; stderr:\n%s", c.cmd.Args, c.stderr)
		}
		return line
	case <-time.After(time.Minute):
		c.t.Fatalf("%q says nothing for a minute; stderr:\n%s", c.cmd.Args, c.stderr)
	}
	return ""
}

// expect waits for the one line; nothing else may come before it.
func (c *conversation) expect(want string) {
	c.t.Helper()
	if got := c.line(); got != want {
		c.t.Fatalf("the remote says %q, want %q; stderr:\n%s", got, want, c.stderr)
	}
}

var keyValue = regexp.MustCompile(`^(\w+)==(.*)==$`)

// result waits for the script's beginning and its result block.
func (c *conversation) result() map[string]string {
	c.t.Helper()
	c.expect(c.id + ": running")
	return c.block()
}

// block waits for the result block of a script that succeeds.
func (c *conversation) block() map[string]string {
	c.t.Helper()
	c.expect(c.id + ": start")
	values := c.keys(c.id + ": end")
	for key, value := range values {
		if len(key+value)+len("====") > 80 {
			c.t.Errorf("a terminal would wrap %s==%s==", key, value)
		}
	}
	if values["exitCode"] != "0" || values["osReleaseId"] != "debian" || values["listeningOn"] == "" {
		c.t.Fatalf("the result is %q; stderr:\n%s", values, c.stderr)
	}
	return values
}

// keys reads key==value== lines, which stand alone before the marker end.
func (c *conversation) keys(end string) map[string]string {
	c.t.Helper()
	values := map[string]string{}
	for line := c.line(); line != end; line = c.line() {
		pair := keyValue.FindStringSubmatch(line)
		if pair == nil {
			c.t.Fatalf("%q stands before %q", line, end)
		}
		values[pair[1]] = pair[2]
	}
	return values
}

// saysOnStderr waits until ssh has said something, as the client waits.
func (c *conversation) saysOnStderr(want string) {
	c.t.Helper()
	await(c.t, "ssh says "+want, func() bool { return strings.Contains(c.stderr.String(), want) })
}

// alive says whether the connection stands.
func (c *conversation) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// await waits until a condition holds, and ends the test after a minute.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("%s: not so after a minute", what)
}
