package e2e

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// badInput is what users get wrong. Each gives one clear line that says what
// to do, exit status 255, and no job.
func badInput(t *testing.T, p place) {
	write := func(name, text string) string {
		path := filepath.Join(p.dir, name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return "JDL:" + path
	}
	for _, c := range []struct{ name, target, want string }{
		{"missing", "JDL:" + p.dir + "/none.jdl", "there is no submit description"},
		{"directory", "JDL:" + p.dir, "is a directory"},
		{"empty name", "JDL:", "no submit description is named"},
		{"syntax", write("syntax.jdl", "request_cpus = 1\nthis is no line\nqueue\n"), "ine 2"},
		{"three jobs", write("three.jdl", "request_cpus = 1\nqueue 3\n"), "3 jobs"},
		{"missing input", write("input.jdl", "transfer_input_files = not-there\nqueue\n"), "not-there does not exist"},
	} {
		t.Run(c.name, func(t *testing.T) {
			r := p.run(t, "", "perch-ssh", c.target, "true")
			if r.code != 255 || !strings.Contains(r.stderr, c.want) || r.stdout != "" {
				t.Errorf("exit status %d, stdout %q, stderr %q; want 255 and %q", r.code, r.stdout, r.stderr, c.want)
			}
			if lines := strings.Count(strings.TrimSpace(r.stderr), "\n") + 1; lines > 2 {
				t.Errorf("%d lines: %s", lines, r.stderr)
			}
		})
	}
	t.Run("two targets", func(t *testing.T) {
		r := p.run(t, "", "perch-ssh", "JDL:a.jdl", "JDL:b.jdl")
		if r.code != 255 || !strings.Contains(r.stderr, "two targets") {
			t.Errorf("exit status %d, %s", r.code, r.stderr)
		}
	})
	if p.pool {
		t.Run("no schedd", func(t *testing.T) { noSchedd(t, p) })
	}
	t.Run("wrong key", func(t *testing.T) { wrongKey(t, p) })
	t.Run("held", func(t *testing.T) {
		target := p.jdl(t, "held", "hold = true")
		r := p.run(t, "", "perch-ssh", "-o", "ConnectTimeout=60", target, "true")
		if r.code != 255 || !strings.Contains(r.stderr, "submitted on hold at user's request") {
			t.Errorf("exit status %d, %s", r.code, r.stderr)
		}
	})
	if n := strings.Count(p.run(t, "", "perch", "list", "--json").stdout, `"job"`); n > 1 {
		t.Errorf("bad input left jobs: %s", p.run(t, "", "perch", "list").stdout)
	}
}

func noSchedd(t *testing.T, p place) {
	cmd := p.command("perch-ssh", p.jdl(t, "noschedd"), "true")
	cmd.Env = append(os.Environ(), "_CONDOR_SCHEDD_HOST=gone.perch.test")
	r := finish(t, cmd, "")
	want := "Can't find address for schedd gone.perch.test; see by condor_status -schedd whether it runs"
	if r.code != 255 || strings.Count(r.stderr, "\n") != 1 || !strings.Contains(r.stderr, want) {
		t.Errorf("exit status %d, %s; want one line with %q", r.code, r.stderr, want)
	}
}

func wrongKey(t *testing.T, p place) {
	other := filepath.Join(t.TempDir(), "other")
	if r := p.run(t, "", "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", other); r.code != 0 {
		t.Fatal(r.stderr)
	}
	target := p.shared(t)
	r := p.throughProxy(t, target, other, "true")
	if r.code != 255 || !strings.Contains(r.stderr, "Permission denied (publickey)") {
		t.Errorf("exit status %d, %s", r.code, r.stderr)
	}
}

// nothingLeft is the last case: when the jobs are gone, so is every process
// that Perch has started, on either side.
func nothingLeft(t *testing.T, p place) {
	if r := p.run(t, "", "perch", "stop", p.shared(t)); r.code != 0 {
		t.Fatal(r.stderr)
	}
	ours := func(line string) bool {
		for _, part := range []string{"perch", "condor_ssh_to_job", "ssh -F", "sshd", "sleep 600", "sleep 300"} {
			if strings.Contains(line, part) && !strings.Contains(line, "condor_shadow") {
				return true
			}
		}
		return false
	}
	await(t, "no process of ours is left", func() bool { return len(processes(ours)) == 0 })
	if t.Failed() {
		t.Log(processes(ours))
	}
	if left, _ := filepath.Glob("/tmp/*condor_ssh_to_job*"); len(left) > 0 {
		t.Errorf("condor_ssh_to_job's files are left: %q", left)
	}
}
