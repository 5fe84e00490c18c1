package conformance

import (
	"bufio"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"perch/tests/session"
)

func testConnect(t *testing.T, j job) {
	j.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		run(t, ssh(options{"-n"}, "true")).want(t, "", "", 0)
	})
}

// A destination as a URI; the file says the rest.
func testConnectURI(t *testing.T, j job) {
	for _, uri := range []string{"ssh://" + j.Alias, "ssh://" + j.Alias + "/", "ssh://someone@" + j.Alias, "ssh://someone@" + j.Alias + ":2222/"} {
		run(t, j.Command("ssh", "-F", j.Config, uri, "echo here")).want(t, "here\n", "", 0)
	}
	if r := run(t, j.Command("ssh", "-F", j.Config, "ssh://"+j.Alias+"/path", "true")); r.code != 255 {
		t.Errorf("a path in the URI: got %+v", r)
	}
}

// Through a ProxyCommand that copies bytes, with and without compression asked
// for: the server has none, which is no reason to fail. No address of a client
// is made up.
func testProxyConnect(t *testing.T, j job) {
	for _, compression := range []string{"no", "yes"} {
		proxied := options{"-o", "ProxyUseFdpass=no", "-o", "ProxyCommand=" + session.Program("perch") + " proxy " + j.Target, "-o", "Compression=" + compression}
		j.ssh(t, proxied, `echo "${SSH_CONNECTION-unset}"`).want(t, "unset\n", "", 0)
	}
}

func testExitStatus(t *testing.T, j job) {
	j.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		for _, code := range []int{0, 1, 4, 5, 44, 255} {
			run(t, ssh(options{"-n"}, fmt.Sprintf("exit %d", code))).want(t, "", "", code)
			// The output ends before the command does, and the other way round.
			run(t, ssh(nil, fmt.Sprintf("exec >/dev/null 2>&1; sleep 0.1; exit %d", code))).want(t, "", "", code)
			run(t, ssh(nil, fmt.Sprintf("(sleep 0.1; echo late) & exit %d", code))).want(t, "late\n", "", code)
		}
	})
}

// The stock client knows no exit status of a command that died of a signal, and
// says 255, as with sshd.
func testExitStatusSignal(t *testing.T, j job) {
	j.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		for _, signal := range []string{"HUP", "INT", "TERM", "KILL", "SEGV", "USR1", "PIPE"} {
			run(t, ssh(nil, "echo before; kill -"+signal+" $$")).want(t, "before\n", "", 255)
		}
	})
}

func testEnvpass(t *testing.T, j job) {
	const show = `printf '%s,' "${_XXX_TEST-unset}" "${_XXX_MORE-unset}"`
	for name, test := range map[string]struct {
		o    options
		want string
	}{
		"nothing asked for": {nil, "unset,unset,"},
		"SendEnv":           {options{"-o", "SendEnv=_XXX_TEST"}, "sent,unset,"},
		"a pattern":         {options{"-o", "SendEnv=_XXX_*"}, "sent,more sent,"},
		"SetEnv":            {options{"-o", "SetEnv=_XXX_TEST=set"}, "set,unset,"},
		"SetEnv of two":     {options{"-o", `SetEnv=_XXX_TEST="a b" _XXX_MORE=$HOME`}, "a b,$HOME,"},
		"an empty value":    {options{"-o", "SetEnv=_XXX_TEST="}, ",unset,"},
	} {
		cmd := j.SSH(test.o, show)
		cmd.Env = append(cmd.Env, "_XXX_TEST=sent", "_XXX_MORE=more sent")
		t.Run(name, func(t *testing.T) { run(t, cmd).want(t, test.want, "", 0) })
	}
	// What decides who and where the user is, or has programs run, stays.
	for _, name := range []string{"HOME", "USER", "PATH", "TMPDIR", "LD_PRELOAD", "BASH_ENV", "ENV", "_CONDOR_JOB_AD"} {
		show := `printf '%s' "${` + name + `-unset}"`
		before := j.ssh(t, nil, show)
		j.ssh(t, options{"-o", "SetEnv=" + name + "=/nonesuch"}, show).want(t, before.stdout, "", 0)
	}
}

// What comes on stderr arrives there, whether stdout is open or not.
func testStderrData(t *testing.T, j job) {
	j.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		for _, o := range []options{nil, {"-n"}} {
			run(t, ssh(o, "echo out; echo err >&2")).want(t, "out\n", "err\n", 0)
			run(t, ssh(o, "exec >&-; sleep 0.1; echo err >&2; exit 3")).want(t, "", "err\n", 3)
			run(t, ssh(o, "exec 2>&-; sleep 0.1; echo out; exit 3")).want(t, "out\n", "", 3)
		}
	})
}

// All of stderr arrives though stdin and stdout have ended long before.
func testStderrAfterEOF(t *testing.T, j job) {
	path, content := data(t, 1<<20)
	j.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		r := run(t, ssh(nil, "exec >&-; cat >/dev/null; sleep 0.1; cat "+path+" >&2"))
		if r.stderr != string(content) || r.code != 0 {
			t.Errorf("%d bytes of %d arrived, exit %d", len(r.stderr), len(content), r.code)
		}
	})
}

// Who stops reading ends the command in the job as well.
func testBrokenPipe(t *testing.T, j job) {
	j.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		for range 4 {
			pid := "/proc/" + first(t, ssh(nil, "echo $$; exec yes"), 1)[0]
			await(t, "the command has ended", func() bool {
				_, err := os.Stat(pid)
				return os.IsNotExist(err)
			})
		}
	})
}

// yes | head, with the pipe in the job and outside of it.
func testYesHead(t *testing.T, j job) {
	const lines = 2000
	j.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		run(t, ssh(nil, fmt.Sprintf("yes | head -n %d", lines))).want(t, strings.Repeat("y\n", lines), "", 0)
		if got := slices.Compact(first(t, ssh(nil, "yes"), lines)); len(got) != 1 || got[0] != "y" {
			t.Errorf("got %q", got)
		}
	})
}

// first returns the first lines of a program, to which nobody listens after that.
func first(t *testing.T, cmd *exec.Cmd, n int) (lines []string) {
	t.Helper()
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	for s := bufio.NewScanner(stdout); len(lines) < n && s.Scan(); {
		lines = append(lines, s.Text())
	}
	stdout.Close()
	cmd.Wait() // it failed: nobody took the rest
	if len(lines) < n || cmd.ProcessState.Success() {
		t.Fatalf("%q: %d lines of %d, %v", cmd.Args, len(lines), n, cmd.ProcessState)
	}
	return lines
}
