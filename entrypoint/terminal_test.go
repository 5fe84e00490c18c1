package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"perch/entrypoint/internal/tty"
	"perch/tests/kept"
)

// screen is what a client has shown on its terminal so far.
type screen struct{ kept.Output }

func (s *screen) wait(t *testing.T, text string) {
	t.Helper()
	eventually(t, fmt.Sprintf("the terminal shows %q, not %q", text, s), func() bool { return strings.Contains(s.String(), text) })
}

// window is the stock client on a terminal of its own.
type window struct {
	*tty.Terminal
	screen
	client *os.Process
	ended  chan int
}

// open runs ssh on a terminal.
func (j *job) open(size tty.Size, modes tty.Modes, args ...string) *window {
	j.t.Helper()
	terminal, err := tty.Open(size, modes)
	if err != nil {
		j.t.Fatal(err)
	}
	cmd := j.client("ssh", args...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = terminal.Peer, terminal.Peer, terminal.Peer
	cmd.Env = append(cmd.Environ(), "TERM=xterm-perch")
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		j.t.Fatal(err)
	}
	terminal.Peer.Close()
	w := &window{Terminal: terminal, client: cmd.Process, ended: make(chan int, 1)}
	shown := make(chan struct{})
	go func() {
		defer close(shown)
		buffer := make([]byte, 4096)
		for {
			n, err := terminal.Read(buffer)
			w.screen.Write(buffer[:n])
			if err != nil {
				return
			}
		}
	}()
	go func() {
		cmd.Wait()
		<-shown
		w.ended <- cmd.ProcessState.ExitCode()
	}()
	j.t.Cleanup(func() {
		cmd.Process.Kill()
		<-shown
		terminal.Close()
	})
	return w
}

func (w *window) Write(p []byte) (int, error) { return w.Terminal.Write(p) }

func TestTerminal(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	w := j.open(tty.Size{Columns: 91, Rows: 33}, nil, "-t", "job",
		`stty size; echo "$TERM $(tty) $SSH_TTY"; trap 'stty size; exit 4' WINCH; echo ready; while :; do sleep 0.05; done`)
	w.wait(t, "33 91\r\n")
	w.wait(t, "ready")
	if err := w.SetSize(tty.Size{Columns: 120, Rows: 50}); err != nil {
		t.Fatal(err)
	}
	w.wait(t, "50 120\r\n")
	if code := <-w.ended; code != 4 {
		t.Errorf("exit code: got %d, want 4", code)
	}
}

func TestTerminalModes(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	modes := tty.Modes{{Op: 1, Arg: 'x' & 0x1f}, {Op: 72, Arg: 0}, {Op: 38, Arg: 0}} // intr ^X, -onlcr, -ixon
	w := j.open(tty.Size{Columns: 80, Rows: 24}, modes, "-t", "job", "stty -a")
	<-w.ended
	for _, want := range []string{"intr = ^X;", "-onlcr", "-ixon"} {
		if !strings.Contains(w.String(), want) {
			t.Errorf("stty -a in the job does not say %q:\n%s", want, w)
		}
	}
}

func TestMuchOutputOnATerminal(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	w := j.open(tty.Size{Columns: 80, Rows: 24}, nil, "-t", "job", "head -c 1048576 /dev/zero | tr '\\0' x; exit 4")
	if code := <-w.ended; code != 4 {
		t.Errorf("exit code: got %d, want 4", code)
	}
	if n := strings.Count(w.String(), "x"); n != 1<<20 {
		t.Errorf("got %d of 1048576 bytes", n)
	}
}

// Typing reaches a login shell, and ^C its foreground process only.
func TestInteractiveShell(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	w := j.open(tty.Size{Columns: 80, Rows: 24}, nil, "job")
	fmt.Fprint(w, "echo shell $0; sh -c 'echo inside; exec cat'\n")
	w.wait(t, "shell -bash")
	w.wait(t, "inside\r\n")
	fmt.Fprint(w, "\x03")
	w.wait(t, "^C\r\n")
	fmt.Fprint(w, "echo still $((20+3))\nexit 12\n")
	w.wait(t, "still 23")
	if code := <-w.ended; code != 12 {
		t.Errorf("exit code: got %d, want 12", code)
	}
}

// When a client is gone, what runs on a terminal is hung up, and what runs
// without one goes on.
func TestLostClient(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	file := func(name string) string { return filepath.Join(j.home, name) }
	exists := func(name string) func() bool {
		return func() bool { _, err := os.Stat(file(name)); return err == nil }
	}
	w := j.open(tty.Size{Columns: 80, Rows: 24}, nil, "-t", "job", "trap 'echo > hup; exit' HUP; echo > on-terminal; while :; do sleep 0.05; done")
	plain := j.client("ssh", "job", "trap 'echo > wrong' HUP; echo > plain; while [ ! -e go ]; do sleep 0.05; done; echo > survived")
	if err := plain.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "both run", func() bool { return exists("on-terminal")() && exists("plain")() })
	w.client.Kill()
	plain.Process.Kill()
	plain.Wait()
	eventually(t, "the terminal is hung up", exists("hup"))
	write(t, file("go"), "")
	eventually(t, "the other command goes on", exists("survived"))
	if exists("wrong")() {
		t.Error("the command without a terminal was hung up")
	}
}

// Four lines greet whoever opens a shell on a terminal, and nobody else.
func TestGreeting(t *testing.T) {
	t.Parallel()
	j := startJob(t, "AllowedExecuteDuration = 7200", "PerchName = \"dragon\"")
	w := j.open(tty.Size{Columns: 200, Rows: 24}, nil, "job")
	w.wait(t, "to end it")
	fmt.Fprint(w, "exit\n")
	<-w.ended
	lines := strings.SplitN(w.String(), "\r\n", 5)
	for i, want := range []string{" on ", "granted: ", "time left: 1h5", "perch stop FILE on the submit host, with the submit description of dragon"} {
		if len(lines) < 5 || !strings.Contains(lines[i], want) {
			t.Fatalf("line %d does not say %q:\n%s", i+1, want, w)
		}
	}
	for _, args := range [][]string{{"-T", "job"}, {"-tt", "job", "exit"}, {"job", "exit"}} {
		if got := j.ssh("exit\n", args...); strings.Contains(got.stdout+got.stderr, "granted") {
			t.Errorf("ssh %q: got %+v", args, got)
		}
	}
	write(t, filepath.Join(j.home, ".hushlogin"), "")
	if got := j.ssh("exit\n", "-tt", "job"); strings.Contains(got.stdout, "granted") {
		t.Errorf("with .hushlogin: got %+v", got)
	}
}

func TestGreetingIsSwitchedOff(t *testing.T) {
	t.Parallel()
	j := startJob(t, "PerchGreeting = False")
	if got := j.ssh("exit\n", "-tt", "job"); strings.Contains(got.stdout, "granted") || got.code != 0 {
		t.Errorf("got %+v", got)
	}
}
