package conformance

import (
	"os/exec"
	"regexp"
	"testing"

	"perch/tests/kept"
)

// running is a program beside the test.
type running struct {
	cmd            *exec.Cmd
	stdout, stderr kept.Output
	done           chan struct{}
}

// background starts a program, which is ended with the test.
func background(t *testing.T, cmd *exec.Cmd) *running {
	t.Helper()
	b := &running{cmd: cmd, done: make(chan struct{})}
	cmd.Stdout, cmd.Stderr = &b.stdout, &b.stderr
	b.start(t)
	return b
}

func (b *running) start(t *testing.T) {
	t.Helper()
	if err := b.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(b.done)
		b.cmd.Wait() // what it says stands in ProcessState
	}()
	t.Cleanup(b.stop)
}

func (b *running) stop() {
	b.cmd.Process.Kill() // it may have ended
	<-b.done
}

func (b *running) ended() bool {
	select {
	case <-b.done:
		return true
	default:
		return false
	}
}

// says waits until the program's stderr has something, and returns what the
// expression's group has of it.
func (b *running) says(t *testing.T, expression string) (group string) {
	t.Helper()
	wanted := regexp.MustCompile(expression)
	await(t, expression, func() bool {
		m := wanted.FindStringSubmatch(b.stderr.String())
		if m != nil {
			group = m[len(m)-1]
		} else if b.ended() {
			t.Fatalf("%q has ended: %s", b.cmd.Args, &b.stderr)
		}
		return m != nil
	})
	return group
}
