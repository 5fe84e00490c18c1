package e2e

import (
	"net"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"

	"perch/entrypoint/contract"
	"perch/tests/kept"
)

func tenCalls(t *testing.T, p place) {
	target := p.jdl(t, "ten")
	var calls sync.WaitGroup
	outs := make([]result, 10)
	for i := range outs {
		calls.Go(func() { outs[i] = p.run(t, "", "perch-ssh", target, "echo", "$_CONDOR_JOB_AD") })
	}
	calls.Wait()
	for _, r := range outs {
		if r.code != 0 || r.stdout != outs[0].stdout {
			t.Errorf("exit status %d, job ad %q, not %q\n%s", r.code, r.stdout, outs[0].stdout, r.stderr)
		}
	}
	if n := strings.Count(p.run(t, "", "perch", "list", "--json").stdout, `"target": "ten"`); n != 1 {
		t.Errorf("%d jobs, want 1", n)
	}
	job := p.job(t, target)
	p.ssh(t, target, "true")
	if again := p.job(t, target); again != job {
		t.Errorf("the next call uses job %s, not %s", again, job)
	}
}

// queuedJob asks for more than there is: the job waits.
func queuedJob(t *testing.T, p place) {
	target := p.jdl(t, "queued", "request_cpus = 4000")
	var ids []string
	for range 2 {
		r := p.run(t, "", "perch-ssh", "-o", "ConnectTimeout=15", target, "true")
		if r.code != 255 || !strings.Contains(r.stderr, "stays queued; try again") {
			t.Fatalf("exit status %d, %s", r.code, r.stderr)
		}
		ids = append(ids, p.job(t, target))
	}
	if ids[0] != ids[1] {
		t.Errorf("the retry submitted job %s beside %s", ids[1], ids[0])
	}
	interrupted(t, p, target)
	if id := p.job(t, target); id != ids[0] {
		t.Errorf("after SIGHUP the job is %s, not %s", id, ids[0])
	}
}

// interrupted ends a waiting perch-ssh as an IDE does.
func interrupted(t *testing.T, p place, target string) {
	cmd := p.command("perch-ssh", target, "true")
	said := &kept.Output{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "perch-ssh waits", func() bool { return strings.Contains(said.String(), "idle") })
	cmd.Process.Signal(syscall.SIGHUP)
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 255 {
		t.Errorf("after SIGHUP perch-ssh exits %d, not 255", code)
	}
}

func stop(t *testing.T, p place) {
	target := p.jdl(t, "stop")
	p.ssh(t, target, "true")
	cmd := p.command("perch-ssh", target, "sleep", "600")
	said := &kept.Output{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "somebody is in the job", func() bool {
		return strings.Contains(p.run(t, "", "perch-ssh", target, "ps ax 2>/dev/null || cat /proc/[0-9]*/cmdline").stdout, "600")
	})
	r := p.run(t, "", "perch", "stop", target)
	if r.code != 0 || !strings.Contains(r.stderr, "has ended") {
		t.Errorf("perch stop: exit status %d, %s", r.code, r.stderr)
	}
	cmd.Wait()
	if !strings.Contains(said.String(), "asked to end") {
		t.Errorf("the session did not say why it ended: %q", said.String())
	}
	if log := p.run(t, "", "perch", "logs", target).stdout; !strings.Contains(log, "(return value 0)") && !strings.Contains(log, "return value 0") {
		t.Errorf("the job did not end with 0:\n%s", log)
	}
}

func idleEnd(t *testing.T, p place) {
	// On a busy machine where forwarding is refused it takes 20 s to connect.
	target := p.jdl(t, "idle", "+PerchIdleTimeout = 60", "output = idle.out")
	os.Remove(filepath.Join(p.dir, "idle.out"))
	first := p.run(t, "", "perch-ssh", target, "true")
	if first.code != 0 || !strings.Contains(first.stderr, "perch: note: the job ends when nobody has been connected for 1m0s, but an editor that has lost its connection may need 2m0s") {
		t.Errorf("exit status %d, %s", first.code, first.stderr)
	}
	await(t, "the idle job has ended", func() bool {
		return strings.Contains(p.run(t, "", "perch", "status", target).stdout, "no job")
	})
	await(t, "the job's output says why", func() bool {
		out, err := os.ReadFile(filepath.Join(p.dir, "idle.out"))
		return err == nil && strings.Contains(string(out), "nobody has been connected")
	})
}

// held is refused while it is; released, where there is condor_release, it is
// the job of the next call. Its log has the job's number in its name.
func held(t *testing.T, p place) {
	target := p.jdl(t, "held", "hold = true", "log = held.$(Cluster).log")
	r := p.run(t, "", "perch-ssh", target, "true")
	id := p.job(t, target)
	if r.code != 255 || !strings.Contains(r.stderr, "job "+id+" is held since") {
		t.Errorf("exit status %d, %s", r.code, r.stderr)
	}
	log := filepath.Join(p.dir, "held."+strings.TrimSuffix(id, ".0")+".log")
	if said := p.run(t, "", "perch", "logs", target).stdout; !strings.HasPrefix(said, "==> "+log+" <==\n000 (") {
		t.Errorf("perch logs prints\n%s", said)
	}
	if !p.pool {
		return
	}
	p.run(t, "", "condor_release", id)
	p.ssh(t, target, "true")
	if now := p.job(t, target); now != id {
		t.Errorf("the next call is in job %s, not in %s, which was released", now, id)
	}
}

// again checks that after some fault the next call works, in a new job.
func again(t *testing.T, p place, target, old string) {
	t.Helper()
	if out := p.ssh(t, target, "echo", "again"); out != "again\n" {
		t.Errorf("got %q", out)
	}
	if id := p.job(t, target); id == old {
		t.Errorf("the next call is in the old job %s", id)
	}
}

func removed(t *testing.T, p place) {
	target := p.jdl(t, "removed")
	p.ssh(t, target, "true")
	id := p.job(t, target)
	if p.pool {
		if r := p.run(t, "", "condor_rm", id); r.code != 0 {
			t.Fatal(r.stderr)
		}
		leaves(t, p, id)
	} else if r := p.run(t, "", "perch", "stop", "--grace", "0s", target); r.code != 0 {
		t.Fatal(r.stderr)
	}
	again(t, p, target, id)
}

func vacated(t *testing.T, p place) {
	target := p.jdl(t, "vacated")
	ad := p.ssh(t, target, `printf %s "$_CONDOR_JOB_AD"`)
	id := p.job(t, target)
	if p.pool {
		if r := p.run(t, "", "condor_vacate_job", id); r.code != 0 {
			t.Fatal(r.stderr)
		}
		leaves(t, p, id)
	} else {
		// A machine without HTCondor loses a job with its starter.
		killAll(t, "local-starter")
		// Until the job is gone, it lets a call in and dies under it.
		sock := filepath.Join(filepath.Dir(ad), contract.Dir, contract.SocketName)
		await(t, "nobody answers in the job", func() bool {
			conn, err := net.Dial("unix", sock)
			if err == nil {
				conn.Close()
			}
			return err != nil
		})
	}
	again(t, p, target, id)
}

// leaves waits until the job has left its slot: a call that comes before lets
// ssh in, and dies with the job.
func leaves(t *testing.T, p place, id string) {
	t.Helper()
	await(t, "the job leaves its slot", func() bool {
		const running, removed = "2", "3"
		status := strings.TrimSpace(p.run(t, "", "condor_q", id, "-af", "JobStatus").stdout)
		return status != running && status != removed
	})
}

func entrypointKilled(t *testing.T, p place) {
	target := p.jdl(t, "killed")
	pid := strings.TrimSpace(p.ssh(t, target, "echo", "$PPID"))
	id := p.job(t, target)
	if _, err := strconv.Atoi(pid); err != nil {
		t.Fatalf("the session's parent is %q", pid)
	}
	p.run(t, "", "perch-ssh", target, "kill", "-9", "$PPID")
	again(t, p, target, id)
}

func keepKilled(t *testing.T, p place) {
	target := p.jdl(t, "kept")
	p.ssh(t, target, "true")
	id := p.job(t, target)
	killKeep(t, p, "kept", id)
	if out := p.ssh(t, target, "echo", "again"); out != "again\n" {
		t.Errorf("got %q", out)
	}
	if now := p.job(t, target); now != id {
		t.Errorf("the next call is in job %s, not in %s, which still runs", now, id)
	}
}

// killKeep kills the keep of a submit description, and waits until the carrier
// to its job has died with it: until then that lets calls in.
func killKeep(t *testing.T, p place, name, id string) {
	t.Helper()
	killAll(t, "perch keep "+filepath.Join(p.dir, name+".jdl"))
	await(t, "the carrier dies with its keep", func() bool {
		return len(processes(func(line string) bool {
			return strings.Contains(line, "condor_ssh_to_job") && strings.HasSuffix(strings.TrimSpace(line), " "+id)
		})) == 0
	})
}

// killAll ends processes of this suite by SIGKILL.
func killAll(t *testing.T, part string) {
	t.Helper()
	found := processes(func(line string) bool { return strings.Contains(line, part) })
	if len(found) == 0 {
		t.Fatalf("there is no process %q", part)
	}
	for pid := range found {
		syscall.Kill(pid, syscall.SIGKILL)
	}
}

// lostKey goes with the target's whole state folder, while a carrier stands.
func lostKey(t *testing.T, p place) {
	target := p.jdl(t, "lostkey")
	p.ssh(t, target, "true")
	if err := os.RemoveAll(filepath.Dir(p.identity(t, target))); err != nil {
		t.Fatal(err)
	}
	r := p.run(t, "", "perch-ssh", target, "true")
	if r.code != 255 || !strings.Contains(r.stderr, "key is not here") || !strings.Contains(r.stderr, "perch stop") {
		t.Errorf("exit status %d, %s", r.code, r.stderr)
	}
	if r := p.run(t, "", "perch", "stop", target); r.code != 0 {
		t.Errorf("perch stop: %s", r.stderr)
	}
	p.ssh(t, target, "true")
}

// deletedNote is a crash between submission and note: the queue knows the job.
func deletedNote(t *testing.T, p place) {
	target := p.jdl(t, "noted")
	p.ssh(t, target, "true")
	id := p.job(t, target)
	killKeep(t, p, "noted", id)
	if err := os.Remove(filepath.Join(filepath.Dir(p.identity(t, target)), "job.json")); err != nil {
		t.Fatal(err)
	}
	p.ssh(t, target, "true")
	if now := p.job(t, target); now != id {
		t.Errorf("the next call is in job %s, not %s", now, id)
	}
}

func changedJDL(t *testing.T, p place) {
	target := p.jdl(t, "changed")
	p.ssh(t, target, "true")
	path := filepath.Join(p.dir, "changed.jdl")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte("# changed\n"), text...), 0o644); err != nil {
		t.Fatal(err)
	}
	for _, call := range [][]string{{"perch", "up", target}, {"perch-ssh", target, "true"}} {
		r := p.run(t, "", call[0], call[1:]...)
		if r.code != 0 || strings.Count(r.stderr, "has changed since") != 1 {
			t.Errorf("%s: exit status %d, %s", call[0], r.code, r.stderr)
		}
	}
}
