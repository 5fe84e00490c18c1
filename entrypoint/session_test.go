package main

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perch/entrypoint/internal/login"
	"perch/entrypoint/internal/tty"
)

func TestCommands(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	for _, test := range []struct {
		name, stdin string
		args        []string
		want        result
	}{
		{"true", "", []string{"job", "true"}, result{"", "", 0}},
		{"exit code", "", []string{"job", "exit 7"}, result{"", "", 7}},
		{"largest exit code", "", []string{"job", "exit 255"}, result{"", "", 255}},
		{"no such command", "", []string{"job", "exec nonesuch 2>/dev/null"}, result{"", "", 127}},
		{"killed by a signal", "", []string{"job", "kill -TERM $$"}, result{"", "", 255}},
		{"script on stdin", "exit 9", []string{"-T", "job", "bash"}, result{"", "", 9}},
		{"shell without a terminal", "echo $0; exit 4", []string{"-T", "job"}, result{"-bash\n", "", 4}},
		{"both outputs", "", []string{"job", "echo out; echo err >&2"}, result{"out\n", "err\n", 0}},
		{"starts in the job home", "", []string{"job", "pwd; echo ~"}, result{j.home + "\n" + j.home + "\n", "", 0}},
		{"end of input", "abc", []string{"job", "wc -c; echo done"}, result{"3\ndone\n", "", 0}},
		{"input that nobody reads", strings.Repeat("y", 5<<20), []string{"job", "exec <&-; echo ok"}, result{"ok\n", "", 0}},
		{"environment of the job", "", []string{"job", `echo "$CUDA_VISIBLE_DEVICES/$PS1/$PROMPT_COMMAND"`}, result{"10000//\n", "", 0}},
		{"environment of the session", "", []string{"job", `echo "$TMPDIR $XDG_RUNTIME_DIR" | tr ' ' '\n' | xargs stat -c %a`}, result{"700\n700\n", "", 0}},
		{
			"environment of the client", "",
			[]string{"-o", "SetEnv=LC_X=eins GIT_X=zwei LD_PRELOAD=no.so HOME=/no", "job", `echo "$LC_X/$GIT_X/$LD_PRELOAD/$HOME"`},
			result{"eins/zwei//" + j.home + "\n", "", 0},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := j.ssh(test.stdin, test.args...); got != test.want {
				t.Errorf("ssh %q: got %+v, want %+v", test.args, got, test.want)
			}
		})
	}
}

// TestOneEnvironment: commands, shells and terminals have the same, but for what a
// terminal is.
func TestOneEnvironment(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	j.ssh("", "job", "env >command")
	j.ssh("env >shell\n", "-T", "job")
	<-j.open(tty.Size{Columns: 80, Rows: 24}, nil, "-t", "job", "env >command-on-terminal").ended
	w := j.open(tty.Size{Columns: 80, Rows: 24}, nil, "job")
	fmt.Fprint(w, "env >terminal; exit\n")
	<-w.ended
	of := func(name string) map[string]string {
		content, err := os.ReadFile(filepath.Join(j.home, name))
		if err != nil {
			t.Fatal(err)
		}
		vars := login.Vars(strings.Split(string(content), "\n"))
		for _, own := range []string{"SHLVL", "_", "PWD", "OLDPWD"} {
			delete(vars, own)
		}
		return vars
	}
	want := of("command")
	if want["CUDA_VISIBLE_DEVICES"] == "" || want["TERM"] != "" || want["SHELL"] != "/bin/bash" || want["HOME"] != j.home {
		t.Errorf("a command has %q", want)
	}
	for _, name := range []string{"shell", "command-on-terminal", "terminal"} {
		got := of(name)
		if name != "shell" {
			if got["TERM"] != "xterm-perch" || !strings.HasPrefix(got["SSH_TTY"], "/dev/pts/") {
				t.Errorf("%s: TERM is %q, SSH_TTY %q", name, got["TERM"], got["SSH_TTY"])
			}
			delete(got, "TERM")
			delete(got, "SSH_TTY")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (+) has another environment than a command (-):\n%s", name, diff)
		}
	}
}

func TestMuchOutput(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	got := j.ssh("", "job", "head -c 10485760 /dev/zero >&2; exit 3")
	if got.code != 3 || len(got.stderr) != 10<<20 {
		t.Errorf("10 MiB on stderr: got %d bytes and exit code %d", len(got.stderr), got.code)
	}
	random := make([]byte, 6<<20)
	rand.Read(random)
	echo := j.ssh(string(random), "job", "cat")
	if sha256.Sum256([]byte(echo.stdout)) != sha256.Sum256(random) {
		t.Errorf("6 MiB through cat: got %d bytes, changed", len(echo.stdout))
	}
}

// A command line of more than 128 KiB fits no argument of a program.
func TestLongCommand(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	// The client's own arguments have the same bound.
	long := strings.Repeat("x", 100_000)
	got := j.ssh("in", "job", "cat; echo ", long, long, "| wc -c; exit 5")
	if want := (result{"in200002\n", "", 5}); got != want {
		t.Errorf("a command of 200 kB: got %+v, want %+v", got, want)
	}
}

// The order on the wire: exit status, EOF, close (RFC 4254, 5.3 and 6.10), and
// all output before EOF.
func TestOrderOfTheEnd(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	got := j.ssh("", "-vvv", "job", "exec 2>&-; (sleep 0.2; echo late) & echo early; exit 6")
	if got.code != 6 || got.stdout != "early\nlate\n" {
		t.Errorf("got exit code %d and %q", got.code, got.stdout)
	}
	order := regexp.MustCompile(`(?s)rtype exit-status.*channel 0: rcvd eof.*channel 0: rcvd close`)
	if !order.MatchString(got.stderr) {
		t.Errorf("the client saw another order than exit-status, EOF, close:\n%s", got.stderr)
	}
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	other := filepath.Join(t.TempDir(), "other")
	makeKey(t, other)
	config, _ := os.ReadFile(j.config)
	write(t, j.config, strings.Replace(string(config), j.identity, other, 1))
	got := j.ssh("", "-o", "BatchMode=yes", "job", "true")
	if got.code != 255 || !strings.Contains(got.stderr, "Permission denied (publickey)") {
		t.Errorf("with a key that is not authorized: got %+v", got)
	}
}

func TestSFTP(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	dir := t.TempDir()
	content := make([]byte, 3<<20)
	rand.Read(content)
	write(t, filepath.Join(dir, "up"), string(content))
	batch := "pwd\nput up there\nchmod 751 there\nget there down\nmkdir d\nrename there d/there\nls d\n"
	sftp := j.client("sftp", "-q", "-b", "-", "job")
	sftp.Dir = dir
	got := run(t, sftp, batch)
	if got.code != 0 || !strings.Contains(got.stdout, "Remote working directory: "+j.home+"\n") || !strings.Contains(got.stdout, "d/there") {
		t.Errorf("sftp: got %+v", got)
	}
	if down, _ := os.ReadFile(filepath.Join(dir, "down")); !bytes.Equal(down, content) {
		t.Error("sftp: the file came back changed")
	}
	if info, err := os.Stat(filepath.Join(j.home, "d/there")); err != nil || info.Mode().Perm() != 0o751 {
		t.Errorf("sftp: got %v, %v for the file in the job", info, err)
	}
	scp := j.client("scp", "-q", filepath.Join(dir, "up"), "job:copied")
	if got := run(t, scp, ""); got.code != 0 {
		t.Errorf("scp: got %+v", got)
	}
	if copied, _ := os.ReadFile(filepath.Join(j.home, "copied")); !bytes.Equal(copied, content) {
		t.Error("scp: the file arrived changed")
	}
}
