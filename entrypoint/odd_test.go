package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/sockpath"
)

// oddity is a row of docs/job-home.md: the place that try makes, and what has
// to become of it.
type oddity struct {
	outcome finding.Outcome
	try     func(t *testing.T)
}

// TestHome tries each row of docs/job-home.md with the real thing.
func TestHome(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("these tests mount file systems and become other users; run them as root")
	}
	for what, o := range oddities {
		t.Run(what, o.try)
	}
}

// TestHomeDocumented: each row of the page has its test, and each test its row.
func TestHomeDocumented(t *testing.T) {
	rows := documented(t)
	for what, o := range oddities {
		if rows[what] != string(o.outcome) {
			t.Errorf("%s: the page has %q, the test %q", what, rows[what], o.outcome)
		}
	}
	for what := range rows {
		if oddities[what].try == nil {
			t.Errorf("no test tries %q", what)
		}
	}
}

func documented(t *testing.T) map[string]string {
	t.Helper()
	page, err := os.ReadFile("../docs/job-home.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := map[string]string{}
	for _, m := range regexp.MustCompile(`(?m)^\| ([^|]+?) \| (mended|worked around|said) \| [^|]+ \|$`).FindAllStringSubmatch(string(page), -1) {
		rows[m[1]] = m[2]
	}
	return rows
}

// oddJob is a job in an odd place.
type oddJob struct {
	*job
	dir string // outside of the job home, with a copy of the program
}

// newOdd makes the files of a job, in a directory that is not below /tmp.
func newOdd(t *testing.T, homeName string) *oddJob {
	t.Helper()
	dir, err := os.MkdirTemp("/var/tmp", "p")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	home := filepath.Join(dir, homeName)
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	j := &oddJob{newJob(t, home), dir}
	copyFile(t, program, filepath.Join(dir, "bin", contract.ProgramName))
	// The program finds the socket beside itself.
	if err := os.Symlink(j.path(contract.SocketName), filepath.Join(dir, "bin", contract.SocketName)); err != nil {
		t.Fatal(err)
	}
	return j
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(to, content, 0o755); err != nil {
		t.Fatal(err)
	}
}

// in starts the job after a shell script, in a mount namespace of its own. The
// script finds the job home as $H, the directory around it as $D.
func (j *oddJob) in(script string, environ ...string) *oddJob {
	j.t.Helper()
	j.prepare(script, environ...)
	j.start()
	j.waitReady()
	return j
}

// waitReady waits until somebody answers at the socket, in the job's own view
// of the file system; on a full disk there is no status to wait for.
func (j *oddJob) waitReady() {
	j.t.Helper()
	eventually(j.t, "the job is ready", func() bool {
		select {
		case err := <-j.ended:
			j.t.Fatalf("the job ended: %v\n%s%s", err, &j.stdout, &j.stderr)
		default:
		}
		conn, err := sockpath.Dial(fmt.Sprintf("/proc/%d/root%s", j.cmd.Process.Pid, j.socket()))
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
}

// socket is the job's socket, as seen in the job.
func (j *oddJob) socket() string {
	if strings.HasPrefix(j.home, j.dir+"/root/") {
		return strings.TrimPrefix(j.path(contract.SocketName), j.dir+"/root")
	}
	return j.path(contract.SocketName)
}

func (j *oddJob) prepare(script string, environ ...string) {
	j.cmd = exec.Command("unshare", "-m", "--propagation", "private", "bash", "-euc", script+"\nexec \"$D/bin/perch-entrypoint\"")
	j.cmd.Env = append([]string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", "SHELL=/bin/bash", "H=" + j.home, "D=" + j.dir, "_CONDOR_SCRATCH_DIR=" + j.home}, environ...)
}

// over mounts a file system over the job home, with the job's files in it.
func over(mount string) string {
	return `cp -a "$H" "$D/aside"; ` + mount + ` "$H"; cp -a "$D/aside/." "$H/"; chmod 700 "$H"; `
}

// run runs a command in a session.
func (j *oddJob) run(line string) string {
	j.t.Helper()
	got := j.session(line)
	if got.code != 0 {
		j.t.Fatalf("%s: got %+v", line, got)
	}
	return strings.TrimSpace(got.stdout)
}

func (j *oddJob) session(line string) result {
	j.t.Helper()
	proxy := fmt.Sprintf("nsenter -t %d -m %s/bin/perch-entrypoint stdio", j.cmd.Process.Pid, j.dir)
	return j.ssh("", "-o", "ProxyCommand="+proxy, "job", line)
}

// found is what check in a session says of what.
func (j *oddJob) found(what string) (f finding.Finding) {
	j.t.Helper()
	return pick(j.t, j.run(j.dir+"/bin/perch-entrypoint check --json"), what)
}

// pick finds what in a report, all of whose findings have rows.
func pick(t *testing.T, report, what string) finding.Finding {
	t.Helper()
	rows := documented(t)
	var r struct{ Findings finding.List }
	if err := json.Unmarshal([]byte(report), &r); err != nil {
		t.Fatalf("%v in %s", err, report)
	}
	for _, f := range r.Findings {
		if rows[f.What] == "" {
			t.Errorf("the page has no row for %q", f.What)
		}
	}
	for _, f := range r.Findings {
		if f.What == what {
			return f
		}
	}
	return finding.Finding{Text: fmt.Sprintf("not found; but %+v", r.Findings)}
}

// want wants a finding of the test's own name, with words in its text.
func (j *oddJob) want(outcome finding.Outcome, words string) {
	j.t.Helper()
	wantFound(j.t, j.found(filepath.Base(strings.ReplaceAll(j.t.Name(), "_", " "))), outcome, words)
}

func wantFound(t *testing.T, f finding.Finding, outcome finding.Outcome, words string) {
	t.Helper()
	t.Logf("%s: %s", f.Outcome, f.Text)
	if f.Outcome != outcome || !strings.Contains(f.Text, words) || strings.Contains(f.Text, "\n") {
		t.Errorf("got %+v, want it %s, in a line with %q", f, outcome, words)
	}
}

func (j *oddJob) wantRun(line, want string) {
	j.t.Helper()
	if got := j.run(line); got != want {
		j.t.Errorf("%s: got %q, want %q", line, got, want)
	}
}
