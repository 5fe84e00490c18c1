package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/kept"
)

func removedWhileWaiting(t *testing.T, p place) {
	target := p.jdl(t, "waiting", "request_cpus = 4000")
	cmd := p.command("perch-ssh", target, "true")
	said := &kept.Output{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	await(t, "perch-ssh waits", func() bool { return strings.Contains(said.String(), "idle") })
	if r := p.run(t, "", "perch", "stop", target); r.code != 0 {
		t.Fatal(r.stderr)
	}
	cmd.Wait()
	if code := cmd.ProcessState.ExitCode(); code != 255 || !strings.Contains(said.String(), "was removed") {
		t.Errorf("exit status %d, %s", code, said.String())
	}
}

// imagesEntrypoint runs the perch-entrypoint that the image has, where the
// submit description says so, and where the job can see it.
func imagesEntrypoint(t *testing.T, p place) {
	program := "/usr/local/bin/perch-entrypoint"
	target := p.jdl(t, "own", "executable = "+program, "transfer_executable = false")
	got := strings.TrimSpace(p.ssh(t, target, "readlink /proc/$PPID/exe"))
	// Without a container there is no image to have one, and Perch's is sent.
	if p.image != "" && got != program {
		t.Errorf("the job runs %q, not %q", got, program)
	}
}

// noContainer is a job in the vanilla universe: Perch's static entrypoint needs
// nothing of an image.
func noContainer(t *testing.T, p place) {
	p.image = ""
	target := p.jdl(t, "vanilla")
	if out := p.ssh(t, target, "echo $_CONDOR_SLOT; pwd"); !strings.Contains(out, "slot") {
		t.Errorf("got %q", out)
	}
	if r := p.run(t, "", "perch", "stop", target); r.code != 0 || !strings.Contains(r.stderr, "has ended") {
		t.Errorf("perch stop: exit status %d, %s", r.code, r.stderr)
	}
}

// brokenImage is a directory that is no image. HTCondor says so in its own
// words, and the wait ends.
func brokenImage(t *testing.T, p place) {
	if p.image == "" {
		// Without containers the job runs all the same, and that is said.
		p.image = filepath.Join(p.dir, "nosuchimage")
		r := p.run(t, "", "perch-ssh", p.jdl(t, "broken"), "true")
		if r.code != 0 || !strings.Contains(r.stderr, p.image+" is not used: it is no directory on this machine") {
			t.Errorf("exit status %d, %s", r.code, r.stderr)
		}
		return
	}
	bare := filepath.Join(p.dir, "bare")
	if err := os.MkdirAll(bare, 0o755); err != nil {
		t.Fatal(err)
	}
	p.image = bare
	target := p.jdl(t, "broken")
	r := p.run(t, "", "perch-ssh", "-o", "ConnectTimeout=90", target, "true")
	if !p.pool {
		// The static entrypoint runs even there; only commands do not.
		if r.code != 127 || !strings.Contains(r.stderr, "the image has no shell") {
			t.Errorf("exit status %d, %s", r.code, r.stderr)
		}
		return
	}
	if r.code != 255 {
		t.Errorf("exit status %d", r.code)
	}
	lines := strings.Split(strings.TrimSpace(r.stderr), "\n")
	last := lines[len(lines)-1]
	if !strings.HasPrefix(last, "perch: ") || strings.Contains(last, "stays queued") {
		t.Errorf("the wait ended with %q", r.stderr)
	}
	t.Log(last)
}

const (
	// scratchCase runs again where the site moves the scratch directory inside of
	// containers (SINGULARITY_TARGET_DIR) to the path that scratchEnv has.
	scratchCase = "scratch directory"
	scratchEnv  = "PERCH_E2E_SCRATCH"
)

// scratch: the home is the scratch directory, wherever that is in the job.
func scratch(t *testing.T, p place) {
	target := p.jdl(t, "scratch")
	got := strings.Fields(p.ssh(t, target, `echo "$HOME" "$_CONDOR_SCRATCH_DIR" "$PWD"; touch scratch/here; stat -c %F .perch/sock`))
	if len(got) != 4 || got[0] != got[1] || got[0] != got[2] || got[3] != "socket" {
		t.Errorf("HOME, the scratch directory, where sessions start, the socket: %q", got)
	}
	if moved := os.Getenv(scratchEnv); moved != "" && !strings.HasPrefix(got[0], moved) {
		t.Errorf("the scratch directory is %s, not below %s", got[0], moved)
	}
	r := p.run(t, "", "perch", "stop", target)
	if r.code != 0 || !strings.Contains(r.stderr, "has ended") {
		t.Errorf("perch stop: %+v", r)
	}
}

// longRuntimeDir is one in which no unix socket can be made: /tmp is used.
func longRuntimeDir(t *testing.T, p place) {
	long := filepath.Join(t.TempDir(), strings.Repeat("d", 90))
	if err := os.Mkdir(long, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := p.command("perch-ssh", p.jdl(t, "long"), "echo", "here")
	cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+long)
	if r := finish(t, cmd, ""); r.code != 0 || r.stdout != "here\n" {
		t.Errorf("exit status %d, %s", r.code, r.stderr)
	}
}

// anotherContract is a real perch-entrypoint of the next version: the user reads
// which is which, and the job stays his to end.
func anotherContract(t *testing.T, p place) {
	target := p.jdl(t, "contract")
	other := p
	other.bin = filepath.Join(p.bin, otherDir)
	r := other.run(t, "", "perch-ssh", target, "true")
	if r.code != 255 || r.stdout != "" || !strings.Contains(r.stderr, "the job's perch-entrypoint speaks contract 2, this perch speaks 1") {
		t.Errorf("exit status %d, stdout %q, %s", r.code, r.stdout, r.stderr)
	}
	id := p.job(t, target)
	if r := p.run(t, "", "perch", "stop", "--grace", "2s", target); r.code != 0 || !strings.Contains(r.stderr, "job "+id+" (contract) was removed") {
		t.Errorf("perch stop: exit status %d, %s", r.code, r.stderr)
	}
}
