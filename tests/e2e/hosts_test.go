package e2e

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"perch/tests/pool"
)

// apart is a command in namespaces of its own, with the user number uid, once
// the shell command first has done its work there.
func apart(flags uintptr, uid int, first string, cmd *exec.Cmd) *exec.Cmd {
	cmd = exec.Command("sh", append([]string{"-c", first + ` && exec "$0" "$@"`}, cmd.Args...)...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER | flags,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: uid, HostID: os.Getgid(), Size: 1}},
		AmbientCaps: []uintptr{unix.CAP_SYS_ADMIN},
	}
	return cmd
}

// elsewhere is a command on another submit host, with the same queue and home:
// it has another name, and sockets of its own.
func (p place) elsewhere(t *testing.T, program string, args ...string) *exec.Cmd {
	t.Helper()
	cmd := apart(unix.CLONE_NEWUTS, os.Getuid(), "hostname "+pool.Second, p.command(program, args...))
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	runtime := filepath.Join(home, "second")
	if err := os.MkdirAll(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+runtime, "_CONDOR_SCHEDD_HOST="+os.Getenv("PERCH_E2E_SCHEDD"))
	return cmd
}

// twoHosts of one pool lead to one job, be it at the same moment or later, and
// either may end it. The local engine's queue is one machine's: there, each
// host has a job of its own, and leaves the other's alone.
func twoHosts(t *testing.T, p place) {
	target := p.jdl(t, "hosts")
	if out := finish(t, p.elsewhere(t, "hostname"), "").stdout; out != pool.Second+"\n" {
		t.Fatalf("the other host is called %q", out)
	}
	var calls sync.WaitGroup
	outs := make([]result, 4)
	for i := range outs {
		cmd := p.command("perch-ssh", target, "echo $_CONDOR_JOB_AD")
		if i%2 == 1 {
			cmd = p.elsewhere(t, "perch-ssh", target, "echo $_CONDOR_JOB_AD")
		}
		calls.Go(func() { outs[i] = finish(t, cmd, "") })
	}
	calls.Wait()
	for i, r := range outs {
		same := r.stdout == outs[0].stdout
		if r.code != 0 || same != (p.pool || i%2 == 0) {
			t.Errorf("call %d: exit status %d, job ad %q, where call 0 has %q\n%s", i, r.code, r.stdout, outs[0].stdout, r.stderr)
		}
	}
	if r := finish(t, p.elsewhere(t, "perch", "stop", target), ""); r.code != 0 || !strings.Contains(r.stderr, "has ended") {
		t.Errorf("perch stop on the second host: exit status %d, %s", r.code, r.stderr)
	}
	left := 1
	if p.pool {
		left = 0
	}
	// The queue has a job for a moment more than the user log.
	await(t, "the second host's job is no more", func() bool {
		return strings.Count(p.run(t, "", "perch", "list", "--json").stdout, `"target": "hosts"`) == left
	})
}

// fullDisk is the submit host's: no key is half-written, and no job submitted.
func fullDisk(t *testing.T, p place) {
	target := p.jdl(t, "full")
	state := t.TempDir()
	cmd := apart(unix.CLONE_NEWNS, 0, "mount -t tmpfs -o size=16k full "+state, p.command("perch-ssh", target, "true"))
	cmd.Env = append(os.Environ(), "XDG_STATE_HOME="+state)
	r := finish(t, cmd, "")
	if r.code != 255 || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, "no space left on device; free some space") {
		t.Errorf("exit status %d, %s", r.code, r.stderr)
	}
	if r := p.run(t, "", "perch", "list", "--json"); strings.Contains(r.stdout, `"target": "full"`) {
		t.Errorf("a job was submitted: %s", r.stdout)
	}
	p.ssh(t, target, "true") // elsewhere there is space
}
