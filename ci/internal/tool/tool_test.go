package tool

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"syscall"
	"testing"
)

func TestCause(t *testing.T) {
	for _, c := range []struct{ name, stderr, want string }{
		{"nothing", "", ""},
		{"one line", "no such thing\n", "no such thing"},
		{"progress before", "Getting image\nCopying blob\nmanifest unknown\n\n", "manifest unknown"},
		{"the first error is the cause", "I: go\nE: Unable to locate package x\nerror building\nError: exit status 100\n", "Unable to locate package x"},
		{"capitals", "INFO: x\nFATAL:   While making image\n", "FATAL:   While making image"},
		{"a command of a build", "install.sh: no apt-get\nsubprocess exited with status 1\nsubprocess exited with status 1\nError: building at STEP \"RUN sh install.sh\": exit status 1\n", "install.sh: no apt-get"},
		{"a silent one", "\nError: building at STEP \"RUN false\": exit status 1\n", `building at STEP "RUN false": exit status 1`},
		{"prefix", "Error: reading image\n", "reading image"},
	} {
		if got := cause(c.stderr); got != c.want {
			t.Errorf("%s: got %q, want %q", c.name, got, c.want)
		}
	}
}

func TestRun(t *testing.T) {
	for _, c := range []struct{ name, script, out, err string }{
		{"good", "echo out; echo err >&2", "out", ""},
		{"says why", "echo E: broken >&2; exit 3", "", "sh: broken"},
		{"says nothing", "exit 3", "", "sh: exit status 3"},
		{"full disk", "echo 'writing blob: no space left on device' >&2; echo later >&2; exit 1", "", "sh: no space left on device"},
		{"full disk, libc's words", "echo 'dd: writing large: No space left on device' >&2; exit 1", "", "sh: no space left on device"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var log bytes.Buffer
			out, err := Run(context.Background(), &log, "sh", "-c", c.script)
			if out != c.out || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
				t.Errorf("got %q, %v; want %q, %q", out, err, c.out, c.err)
			}
			if strings.HasPrefix(c.name, "full disk") && !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("%v is not ENOSPC", err)
			}
			if !strings.HasPrefix(log.String(), "+ sh -c ") {
				t.Errorf("the log begins with %q", log.String())
			}
		})
	}
}

func TestRunIsStopped(t *testing.T) {
	ctx, cancel := context.WithCancelCause(context.Background())
	log := &onWrite{func() { cancel(errors.New("enough")) }}
	_, err := Run(ctx, log, "sh", "-c", `trap 'exit 0' TERM; echo ready; while :; do sleep 0.1; done`)
	if err == nil || err.Error() != "sh was stopped: enough" {
		t.Errorf("got %v", err)
	}
}

// onWrite calls a function when the program has written something.
type onWrite struct{ do func() }

func (w *onWrite) Write(p []byte) (int, error) {
	if bytes.Contains(p, []byte("ready\n")) {
		w.do()
	}
	return len(p), nil
}

func TestNeed(t *testing.T) {
	if err := Need("sh"); err != nil {
		t.Error(err)
	}
	err := Need("sh", "no-such-program")
	if want := "no-such-program is not installed; install it first (Debian: apt-get install no-such-program)"; err == nil || err.Error() != want {
		t.Errorf("got %v, want %s", err, want)
	}
}
