package e2e

import (
	"encoding/base64"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/pool"
)

// stateDir is the folder of a target's notes and keys.
func (p place) stateDir(t *testing.T, target string) string {
	t.Helper()
	home, err := os.UserHomeDir()
	if err != nil {
		t.Fatal(err)
	}
	name := strings.TrimSuffix(filepath.Base(target), ".jdl")
	found, err := filepath.Glob(filepath.Join(home, ".local/state/perch/jobs", name+"-*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d state folders of %s: %v", len(found), target, err)
	}
	return found[0]
}

// identity is the private key with which the user enters the target's job.
func (p place) identity(t *testing.T, target string) string {
	return filepath.Join(p.stateDir(t, target), "key")
}

// body is what stands in a private key file and nowhere else: a line from its
// middle, where the public key is past.
func body(t *testing.T, file string) string {
	t.Helper()
	data, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	if len(lines) < 5 {
		t.Fatalf("%s has only %d lines", file, len(lines))
	}
	line := lines[3]
	if _, err := base64.StdEncoding.DecodeString(line[:len(line)/4*4]); err != nil {
		t.Fatalf("%s has no base64 body: %v", file, err)
	}
	return line
}

// noKeyInSight looks for both private keys wherever a user could come by them,
// while a job runs and a session is open.
func noKeyInSight(t *testing.T, p place) {
	target := p.shared(t)
	p.ssh(t, target, "true")
	dir := p.stateDir(t, target)
	user, host := body(t, filepath.Join(dir, "key")), body(t, filepath.Join(dir, "perch_host_key"))
	open := p.command("perch-ssh", target, "sleep", "300")
	if err := open.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { open.Process.Kill(); open.Wait() }()

	places := map[string]string{"ps auxe": p.run(t, "", "ps", "auxeww").stdout,
		"the shim's logs": p.run(t, "", "perch", "logs", target).stdout}
	if p.pool {
		places["the job's ad"] = p.run(t, "", "condor_q", "-l", p.job(t, target)).stdout
	} else {
		places["the job's ad"] = p.ssh(t, target, `cat "$_CONDOR_JOB_AD"`)
	}
	places["the job's processes"] = p.ssh(t, target, "cat /proc/[0-9]*/environ /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0' '\\n'")
	places["the job's log"] = p.ssh(t, target, "cat .perch/log")
	for where, text := range places {
		if text == "" {
			t.Errorf("%s is empty", where)
		}
		if strings.Contains(text, user) || strings.Contains(text, host) {
			t.Errorf("a private key stands in %s", where)
		}
	}
	// The job has its host key, and that must be the only one that is found.
	if got := p.ssh(t, target, "grep -rlF '"+host+"' . || true"); got != "./.perch/host_key\n" {
		t.Errorf("the host key stands in %q", got)
	}
	where := ". /tmp"
	if p.image == "" {
		// Without a container the job's /tmp is this machine's, with this test.
		where = "."
	}
	if got := p.ssh(t, target, "grep -rlF '"+user+"' "+where+" 2>/dev/null || true"); got != "" {
		t.Errorf("the user's key stands in the job's %q", got)
	}
}

// noKeyInPool looks for the keys that the suite left, where only root may look:
// the schedd's spool and all of HTCondor's logs.
func noKeyInPool(t *testing.T, p *pool.Pool) {
	t.Helper()
	keys, err := filepath.Glob(filepath.Join(p.Root(), "home/alice/.local/state/perch/jobs/*/*key"))
	if err != nil || len(keys) == 0 {
		t.Fatalf("the suite left no keys: %v", err)
	}
	where := []string{"/var/log", "/tmp"}
	for _, name := range []string{"SPOOL", "LOG"} {
		r, err := p.Exec(t.Context(), "root", "condor_config_val", name)
		if err != nil || r.Code != 0 {
			t.Fatalf("condor_config_val %s: exit status %d, %v", name, r.Code, err)
		}
		where = append(where, strings.TrimSpace(r.Stdout))
	}
	for _, key := range keys {
		r, err := p.Exec(t.Context(), "root", append([]string{"grep", "-rlF", body(t, key)}, where...)...)
		if err != nil || r.Code != 1 {
			t.Errorf("%s stands in %q (exit status %d, %s%v)", key, r.Stdout, r.Code, r.Stderr, err)
		}
	}
}
