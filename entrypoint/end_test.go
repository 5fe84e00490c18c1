package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/tty"
)

// leaveProcesses starts in the job what is hardest to end: a process that has
// left its session and ignores all but SIGKILL.
func (j *job) leaveProcesses() {
	j.t.Helper()
	got := j.ssh("", "job", `setsid sh -c 'trap "" TERM HUP INT; echo > stubborn; while :; do sleep 1; done' >/dev/null 2>&1 </dev/null &`)
	if got.code != 0 {
		j.t.Fatalf("starting a process that stays: got %+v", got)
	}
	eventually(j.t, "it runs", func() bool { return exists(j.home, "stubborn") })
}

func exists(elem ...string) bool {
	_, err := os.Stat(filepath.Join(elem...))
	return err == nil
}

func (j *job) stop() result {
	return j.ssh(contract.CommandStop+"\n", "-l", contract.ControlUser, "-s", "job", contract.Subsystem)
}

func TestStop(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	j.leaveProcesses()
	w := j.open(tty.Size{Columns: 80, Rows: 24}, nil, "-t", "job", "echo ready; exec sleep 1000")
	w.wait(t, "ready")
	plain := j.client("ssh", "job", "echo > begun; exec sleep 1000")
	var stderr screen
	plain.Stderr = &stderr
	if err := plain.Start(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the second session runs", func() bool { return exists(j.home, "begun") })

	if got, want := j.stop(), (result{contract.ReplyOK + "\n", "", 0}); got != want {
		t.Errorf("asking the job to end: got %+v, want %+v", got, want)
	}
	j.wantEnd(contract.ExitOK)
	w.wait(t, "perch: the job ends: it was asked to end")
	const reason = "Received disconnect from UNKNOWN port 65535:11: it was asked to end"
	w.wait(t, reason)
	if code := <-w.ended; code != 255 {
		t.Errorf("exit code of the client on a terminal: got %d, want 255", code)
	}
	plain.Wait()
	for _, want := range []string{"perch: the job ends: it was asked to end\n", reason} {
		if !strings.Contains(stderr.String(), want) {
			t.Errorf("stderr of the other client: got %q, want %q in it", stderr.String(), want)
		}
	}
	if s := j.status(); s.State != contract.StateEnding || s.Reason != "it was asked to end" {
		t.Errorf("the job's state: got %+v", s)
	}
	if exists(j.path(contract.SocketName)) {
		t.Error("the socket is left")
	}
}

// Perch's own connections may use its subsystem and nothing else.
func TestControlUser(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	as := []string{"-l", contract.ControlUser}
	for _, args := range [][]string{{"job", "true"}, {"-W", "127.0.0.1:1", "job"}, {"-s", "job", "sftp"}, {"-o", "ExitOnForwardFailure=yes", "-N", "-R", "0:127.0.0.1:1", "job"}} {
		if got := j.ssh("", append(as, args...)...); got.code != 255 {
			t.Errorf("ssh %q: got %+v, want it refused", args, got)
		}
	}
	got := j.ssh("what\n"+strings.Repeat("x", 10000)+"\n", append(as, "-s", "job", contract.Subsystem)...)
	if want := (result{"error: there is no command \"what\"\nerror: this line is too long\n", "", 1}); got != want {
		t.Errorf("commands that are none: got %+v, want %+v", got, want)
	}
}

func TestSignals(t *testing.T) {
	for _, s := range []syscall.Signal{syscall.SIGTERM, syscall.SIGINT, syscall.SIGHUP} {
		t.Run(s.String(), func(t *testing.T) {
			t.Parallel()
			j := startJob(t)
			j.leaveProcesses()
			j.cmd.Process.Signal(s)
			j.wantEnd(contract.ExitOK)
		})
	}
}

func TestServeKilled(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	j.leaveProcesses()
	syscall.Kill(j.servePID(), syscall.SIGKILL)
	j.wantEnd(128 + int(syscall.SIGKILL))
}

// When init is killed nobody looks after orphans, so serve ends what it can
// find by its environment.
func TestInitKilled(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	j.leaveProcesses()
	j.cmd.Process.Kill()
	<-j.ended
	eventually(t, "nothing of the job is left", func() bool { return len(processesIn(j.home)) == 0 })
}

// Orphans are reaped while the job runs, and no exit status of a command is
// lost to that.
func TestOrphans(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	got := j.ssh("", "job", `for i in $(seq 50); do (true & ) ; sh -c "exit $((i % 7))"; [ $? = $((i % 7)) ] || exit 99; done; exit 3`)
	if got.code != 3 {
		t.Errorf("got %+v, want exit code 3", got)
	}
	eventually(t, "init has no child but serve", func() bool {
		children, err := os.ReadFile(filepath.Join("/proc", itoa(j.cmd.Process.Pid), "task", itoa(j.cmd.Process.Pid), "children"))
		return err == nil && len(strings.Fields(string(children))) == 1
	})
}

func TestIdleEnd(t *testing.T) {
	t.Parallel()
	j := startJob(t, contract.AttrIdleTimeout+" = 1")
	j.wantEnd(contract.ExitOK)
	const reason = "nobody has been connected for 1s"
	log, _ := os.ReadFile(j.path(contract.LogName))
	if !strings.Contains(string(log), reason) || !strings.Contains(j.stdout.String(), reason) {
		t.Errorf("log and output do not say %q:\n%s\n%s", reason, log, &j.stdout)
	}
}

func TestIdleConnectedEnd(t *testing.T) {
	t.Parallel()
	j := startJob(t, contract.AttrIdleConnected+" = 1")
	got := j.ssh("", "job", "exec sleep 1000")
	j.wantEnd(contract.ExitOK)
	if !strings.Contains(got.stderr, "nothing has moved in any connection for 1s") || got.code != 255 {
		t.Errorf("the client got %+v", got)
	}
}

// Nothing that a peer sends before it has logged in touches anybody else.
func TestGarbage(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	for _, garbage := range []string{"", "GET / HTTP/1.0\r\n\r\n", "SSH-2.0-x\r\n" + strings.Repeat("\xff", 70000), "SSH-2.0-x\r\n\x00\x00\x00\x0c\x0a\x14aaaaaaaaaa", strings.Repeat("a", 1<<20)} {
		cmd := exec.Command(j.path(contract.ProgramName), contract.CommandCarry)
		if got := run(t, cmd, garbage); !strings.HasPrefix(got.stdout, contract.Banner()+"\r\n") {
			t.Errorf("after %.20q: got %.80q, want the banner", garbage, got.stdout)
		} else if !strings.HasSuffix(got.stderr, contract.CarryEnded+"\n") {
			t.Errorf("after %.20q: carry does not tell of its end: %q", garbage, got.stderr)
		}
	}
	if got := j.ssh("", "job", "echo ok"); got.stdout != "ok\n" {
		t.Errorf("afterwards: got %+v", got)
	}
}

// Connections leave no descriptor behind in serve.
func TestDescriptors(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	count := func() int {
		open, err := os.ReadDir(filepath.Join("/proc", itoa(j.servePID()), "fd"))
		if err != nil {
			t.Fatal(err)
		}
		return len(open)
	}
	j.ssh("", "job", "true")
	before := count()
	upper := serveUpper(t, "tcp", "127.0.0.1:0").Addr().String()
	for range 2 {
		j.ssh("x", "job", "cat; false")
		j.ssh("", "-tt", "job", "true")
		j.ssh("abc", "-W", upper, "job")
		j.ssh("", "-W", freePort(t), "job")
		j.ssh("", "-R", "0:"+upper, "-R", j.home+"/left:"+upper, "job", "true")
		run(t, j.client("sftp", "-q", "-b", "-", "job"), "ls\n")
	}
	eventually(t, "as many descriptors are open as before", func() bool { return count() <= before })
	if exists(j.home, "left") {
		t.Error("the socket of a remote forward is left")
	}
}
