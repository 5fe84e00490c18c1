package session

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Job is a running job of the local engine.
type Job struct {
	// Target is how perch and perch-ssh call it, Alias how ssh does by Config,
	// an ssh_config(5) file.
	Target, Alias, Config string
	// Identity and KnownHosts are the user's private key and the file with the
	// job's host key, under the name HostKeyAlias.
	Identity, KnownHosts, HostKeyAlias string
	// User is the home of the user on the submit host, Home the job home, as
	// this machine sees it. Env is the environment of the user's programs.
	User, Home string
	Env        []string
}

// Start submits a job, with lines of its own in the submit description, and
// waits until it can be entered. It is stopped at the test's end.
func Start(t testing.TB, lines ...string) *Job {
	t.Helper()
	j := &Job{Alias: "job.perch", User: t.TempDir()}
	runtime, err := os.MkdirTemp("", "perch-run-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(runtime) })
	j.Env = append(clean(os.Environ()), "HOME="+j.User, "XDG_RUNTIME_DIR="+runtime, "PERCH_ENGINE=local",
		"PATH="+bin+":"+os.Getenv("PATH"))
	jdl := filepath.Join(j.User, "job.jdl")
	text := strings.Join(append(append([]string{"request_cpus = 1", "request_memory = 128M"}, lines...), "queue", ""), "\n")
	if err := os.WriteFile(jdl, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	j.Target = "JDL:" + jdl
	t.Cleanup(func() {
		if out, err := j.Command("perch", "stop", j.Target).CombinedOutput(); err != nil {
			t.Errorf("perch stop: %v\n%s", err, out)
		}
	})
	scratch := j.Run(t, "perch-ssh", j.Target, `printf %s "$_CONDOR_JOB_AD"`)
	j.Home = filepath.Dir(scratch)
	j.findFiles(t)
	return j
}

// clean leaves out what is this user's own and not the test's.
func clean(environ []string) []string {
	var kept []string
	for _, v := range environ {
		name, _, _ := strings.Cut(v, "=")
		if !strings.HasPrefix(name, "XDG_") && !strings.HasPrefix(name, "SSH_") && name != "DISPLAY" {
			kept = append(kept, v)
		}
	}
	return kept
}

func (j *Job) findFiles(t testing.TB) {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(j.User, ".local/state/perch/jobs/job-*"))
	if err != nil || len(found) != 1 {
		t.Fatalf("the state folder is one of %q, %v", found, err)
	}
	j.Config = filepath.Join(found[0], "ssh_config")
	j.Identity = filepath.Join(found[0], "key")
	j.KnownHosts = filepath.Join(found[0], "known_hosts")
	line, err := os.ReadFile(j.KnownHosts)
	if err != nil {
		t.Fatal(err)
	}
	j.HostKeyAlias, _, _ = strings.Cut(string(line), " ")
}

// Command is a program of the user's on the submit host.
func (j *Job) Command(program string, args ...string) *exec.Cmd {
	path := program
	if strings.HasPrefix(program, "perch") {
		path = Program(program)
	}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir = j.Env, j.User
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// Run runs a program of the user's, which must succeed, and returns its output.
func (j *Job) Run(t testing.TB, program string, args ...string) string {
	t.Helper()
	cmd := j.Command(program, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		t.Fatalf("%s %q: %v\nstdout: %s\nstderr: %s", program, args, err, &stdout, &stderr)
	}
	return stdout.String()
}

// SSH is the stock ssh with options and a command for the job: the options come
// before the job's name, command after it.
func (j *Job) SSH(options []string, command ...string) *exec.Cmd {
	args := append([]string{"-F", j.Config}, options...)
	return j.Command("ssh", append(append(args, j.Alias), command...)...)
}
