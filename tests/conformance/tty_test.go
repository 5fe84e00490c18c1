package conformance

import (
	"io"
	"os"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/console"
)

// screen is a client on a terminal of its own, of 20 rows and 50 columns. What
// it shows is in stdout.
type screen struct {
	*running
	pty console.Console
}

// open starts a client on a terminal that stty(1) has set up.
func open(t *testing.T, cmd *exec.Cmd, modes ...string) *screen {
	t.Helper()
	pty, name, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Resize(console.WinSize{Height: 20, Width: 50}); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer tty.Close()
	if out, err := exec.Command("stty", append([]string{"-F", name}, modes...)...).CombinedOutput(); err != nil {
		t.Fatalf("stty %q: %v\n%s", modes, err, out)
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	w := &screen{&running{cmd: cmd, done: make(chan struct{})}, pty}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(w.done)
		io.Copy(&w.stdout, pty) // to the end of all that have the terminal
		cmd.Wait()
	}()
	t.Cleanup(func() { w.stop(); pty.Close() })
	return w
}

func (w *screen) typed(text string) { io.WriteString(w.pty, text) }

// shows waits until the program has said something that matches.
func (b *running) shows(t *testing.T, expression string) {
	t.Helper()
	wanted := regexp.MustCompile(expression)
	await(t, expression+" is shown", func() bool {
		if wanted.MatchString(b.stdout.String() + b.stderr.String()) {
			return true
		}
		if b.ended() && !wanted.MatchString(b.stdout.String()+b.stderr.String()) {
			t.Fatalf("%q has ended: %q, %q", b.cmd.Args, &b.stdout, &b.stderr)
		}
		return false
	})
}

// Which sessions have a terminal, what it is like, and how they end.
func testSSHTTY(t *testing.T, j job) {
	t.Run("with a terminal", func(t *testing.T) { fromTerminal(t, j) })
	t.Run("without", func(t *testing.T) { fromPipe(t, j) })
	t.Run("typing", func(t *testing.T) { typing(t, j) })
	t.Run("left behind", func(t *testing.T) { leftBehind(t, j) })
}

// What a shell leaves running does not hold the client.
func leftBehind(t *testing.T, j job) {
	w := open(t, j.SSH(options{"-tt"}))
	w.typed("sleep 1000 & echo st''arted\r")
	w.shows(t, "started\r\n")
	w.typed("exit 3\r")
	await(t, "the client ends", w.ended)
	if code := w.cmd.ProcessState.ExitCode(); code != 3 {
		t.Errorf("exit %d", code)
	}
}

const hasTerminal = `tty; echo "SSH_TTY=${SSH_TTY-none}"`

func fromTerminal(t *testing.T, j job) {
	const is, none = `/dev/pts/(\d+)\r\nSSH_TTY=/dev/pts/\d+\r\n`, `not a tty\r\nSSH_TTY=none\r\n`
	for name, test := range map[string]struct {
		o    options
		want string
	}{"": {nil, none}, "-t": {options{"-t"}, is}, "-tt": {options{"-tt"}, is}, "-T": {options{"-T"}, none}, "-n": {options{"-n"}, none},
		"RequestTTY": {options{"-o", "RequestTTY=yes"}, is}} {
		t.Run(name, func(t *testing.T) {
			w := open(t, j.SSH(test.o, hasTerminal))
			w.shows(t, test.want)
			await(t, "the client ends", w.ended)
		})
	}
	w := open(t, j.SSH(options{"-t"}, "stty size; stty -a; stty -echo; echo ready; exec cat"), "intr", "^X", "-ixon", "susp", "undef")
	for _, want := range []string{`20 50\r\n`, `intr = \^X;`, `susp = <undef>;`, `[^\w-]-ixon`, `eof = \^D;`, `ready\r\n`} { // while stty runs, the shell would leave a SIGINT to it
		w.shows(t, want)
	}
	w.typed("\x18")
	await(t, "the character for intr interrupts", w.ended)
	if code := w.cmd.ProcessState.ExitCode(); code != 255 {
		t.Errorf("exit %d", code)
	}
}

func fromPipe(t *testing.T, j job) {
	for name, test := range map[string]struct {
		o      options
		want   string
		stderr string
	}{
		"":    {nil, `^not a tty\nSSH_TTY=none\n$`, ""},
		"-T":  {options{"-T"}, `^not a tty\nSSH_TTY=none\n$`, ""},
		"-t":  {options{"-t"}, `^not a tty\nSSH_TTY=none\n$`, "Pseudo-terminal will not be allocated because stdin is not a terminal.\r\n"},
		"-tt": {options{"-tt"}, `^/dev/pts/\d+\r\nSSH_TTY=/dev/pts/\d+\r\n$`, ""},
	} {
		t.Run(name, func(t *testing.T) {
			r := j.ssh(t, test.o, hasTerminal)
			if stderr := strings.TrimSuffix(r.stderr, "Connection to "+j.Alias+" closed.\r\n"); !regexp.MustCompile(test.want).MatchString(r.stdout) || stderr != test.stderr || r.code != 0 {
				t.Errorf("got %+v", r)
			}
		})
	}
	// The end of the input is one for a command; on a terminal it is ^D.
	cmd := j.SSH(nil, "cat; echo end")
	cmd.Stdin = strings.NewReader("in")
	run(t, cmd).want(t, "inend\n", "", 0)
	cmd = j.SSH(options{"-tt", "-q"}, "stty -echo; echo ready; cat; echo end")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b := background(t, cmd)
	b.shows(t, "ready")
	io.WriteString(stdin, "in\n\x04")
	await(t, "the client ends", b.ended)
	if got := b.stdout.String(); got != "ready\r\nin\r\nend\r\n" || !cmd.ProcessState.Success() {
		t.Errorf("got %q, %v", got, cmd.ProcessState)
	}
}

// typing has a shell on a terminal: what is typed comes back, ^C interrupts, ^D
// ends, and ssh's own escapes work.
func typing(t *testing.T, j job) {
	w := open(t, j.SSH(options{"-t"}, "exec sh"))
	w.typed("printf 'A%sB' xyz\n")
	w.shows(t, "AxyzB")
	// Only a program that runs has the terminal for sure, and with it the ^C.
	w.typed("sh -c 'printf C%sD xyz; exec sleep 1000' || printf 'not''here'\n")
	w.shows(t, "CxyzD")
	w.typed("\x03printf 'E%sF' xyz\n")
	w.shows(t, "ExyzF")
	if strings.Contains(w.stdout.String(), "nothere") {
		t.Errorf("^C did not interrupt: %q", &w.stdout)
	}
	w.typed("\n~?")
	w.shows(t, "Supported escape sequences:")
	w.typed("\n\x04")
	await(t, "^D ends the shell", w.ended)

	w = open(t, j.SSH(options{"-t"}, "echo up; exec cat"))
	w.shows(t, "up")
	w.typed("\n~.")
	await(t, "~. ends the session", w.ended)
	if code := w.cmd.ProcessState.ExitCode(); code != 255 {
		t.Errorf("after ~.: exit %d", code)
	}
}

// ~B is a break on the terminal in the job (RFC 4335): with brkint each is a
// SIGINT, with ignbrk none.
func testBreak(t *testing.T, j job) {
	const count = `n=0; trap 'n=$((n+1)); echo count $n' INT; echo ready; while :; do read x && echo "got $x"; done`
	for name, modes := range map[string]string{"brkint": "brkint -ignbrk", "ignbrk": "brkint ignbrk"} {
		t.Run(name, func(t *testing.T) {
			cmd := j.SSH(options{"-tt"}, "stty -echo "+modes+"; "+count)
			stdin, err := cmd.StdinPipe()
			if err != nil {
				t.Fatal(err)
			}
			b := background(t, cmd)
			b.shows(t, "ready")
			io.WriteString(stdin, "\n~B")
			if name == "brkint" {
				b.shows(t, "count 1")
				io.WriteString(stdin, "\n~B")
				b.shows(t, "count 2")
				return
			}
			b.shows(t, "~B") // ssh has sent the break
			io.WriteString(stdin, "next\n")
			b.shows(t, "got next")
			if strings.Contains(b.stdout.String(), "count") {
				t.Errorf("the break counts: %q", &b.stdout)
			}
		})
	}
}
