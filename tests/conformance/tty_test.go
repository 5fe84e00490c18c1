package conformance

import (
	"io"
	"strings"
	"testing"
)

// A terminal for a client without one: what is typed comes back, ^C interrupts,
// ^D ends, and ssh's own escapes work.
func testSSHTTY(t *testing.T, j job) {
	b, typed := terminal(t, j)
	typed("printf 'A%sB' xyz\n")
	b.shows(t, "AxyzB")
	typed("printf 'C%sD' xyz; sleep 1000 || printf 'not''here'\n")
	b.shows(t, "CxyzD")
	typed("\x03printf 'E%sF' xyz\n")
	b.shows(t, "ExyzF")
	if strings.Contains(b.stdout.String(), "nothere") {
		t.Errorf("^C did not interrupt: %q", &b.stdout)
	}
	typed("\n~?")
	b.shows(t, "Supported escape sequences:")
	typed("\n\x04")
	await(t, "^D ends the shell", b.ended)

	b, typed = terminal(t, j)
	typed("\n~.")
	await(t, "~. ends the session", b.ended)
	if code := b.cmd.ProcessState.ExitCode(); code != 255 {
		t.Errorf("after ~.: exit %d", code)
	}
}

// terminal starts a shell on a terminal, and returns when it reads.
func terminal(t *testing.T, j job) (b *running, typed func(string)) {
	t.Helper()
	cmd := j.SSH(options{"-tt"}, "exec sh")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b = background(t, cmd)
	typed = func(text string) { io.WriteString(stdin, text) }
	typed("printf 'up%sup' xyz\n")
	b.shows(t, "upxyzup")
	return b, typed
}

// shows waits until the program has said something, on either stream.
func (b *running) shows(t *testing.T, text string) {
	t.Helper()
	await(t, text+" is shown", func() bool { return strings.Contains(b.stdout.String()+b.stderr.String(), text) })
}
