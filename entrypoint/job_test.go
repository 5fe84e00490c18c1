package main

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
)

// program is the program under test, built as it is shipped.
var program string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "perch-test-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	program = filepath.Join(dir, "perch-entrypoint")
	build := exec.Command("go", "build", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	code := 1
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the program: %v\n%s", err, out)
	} else {
		code = m.Run()
	}
	os.RemoveAll(dir)
	os.Exit(code)
}

// job is a running perch-entrypoint, as a batch system would start it.
type job struct {
	t              *testing.T
	home           string
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	config         string // for ssh -F
	identity       string
	ended          chan error
}

// startJob starts a job in a scratch directory of its own, with lines for its
// ad, and waits until it is ready. At the test's end it must end cleanly.
func startJob(t *testing.T, ad ...string) *job {
	t.Helper()
	return startJobIn(t, t.TempDir(), ad...)
}

func startJobIn(t *testing.T, home string, ad ...string) *job {
	t.Helper()
	j := newJob(t, home)
	adFile := filepath.Join(home, ".job.ad")
	write(t, adFile, "MyType = \"Job\"\n"+strings.Join(ad, "\n")+"\n")
	j.cmd = exec.Command(program)
	j.cmd.Env = append(os.Environ(), "_CONDOR_SCRATCH_DIR="+home, "_CONDOR_JOB_AD="+adFile, "SHELL=/bin/bash",
		"PS1=Apptainer> ", "PROMPT_COMMAND=false", "CUDA_VISIBLE_DEVICES=10000")
	j.start()
	j.waitReady()
	return j
}

// newJob makes the files of a job that is not running yet.
func newJob(t *testing.T, home string) *job {
	t.Helper()
	j := &job{t: t, home: home, identity: filepath.Join(t.TempDir(), "id"), ended: make(chan error, 1)}
	write(t, filepath.Join(home, contract.AuthorizedKeysFile), makeKey(t, j.identity))
	hostPublic := makeKey(t, filepath.Join(home, contract.HostKeyFile))
	known := filepath.Join(t.TempDir(), "known_hosts")
	write(t, known, "perch-test "+hostPublic)
	j.config = filepath.Join(t.TempDir(), "config")
	write(t, j.config, fmt.Sprintf(`Host job
	ProxyCommand %q stdio
	IdentityFile %q
	IdentitiesOnly yes
	UserKnownHostsFile %q
	HostKeyAlias perch-test
	StrictHostKeyChecking yes
	ControlPath none
`, j.path(contract.ProgramName), j.identity, known))
	return j
}

// path is the path of a file in the job's .perch.
func (j *job) path(name string) string { return filepath.Join(j.home, contract.Dir, name) }

func (j *job) start() {
	j.t.Helper()
	j.cmd.Stdout, j.cmd.Stderr = &j.stdout, &j.stderr
	j.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := j.cmd.Start(); err != nil {
		j.t.Fatal(err)
	}
	go func() { j.ended <- j.cmd.Wait() }()
	j.t.Cleanup(func() {
		if j.cmd.ProcessState == nil {
			j.cmd.Process.Signal(syscall.SIGTERM)
			j.wantEnd(0)
		}
		if j.t.Failed() {
			log, _ := os.ReadFile(j.path(contract.LogName))
			j.t.Logf("the job's stdout:\n%s\nstderr:\n%s\nlog:\n%s", &j.stdout, &j.stderr, log)
		}
	})
}

func (j *job) waitReady() {
	j.t.Helper()
	eventually(j.t, "the job is ready", func() bool {
		select {
		case err := <-j.ended:
			j.t.Fatalf("the job ended: %v\n%s%s", err, &j.stdout, &j.stderr)
		default:
		}
		return j.status().State == contract.StateReady
	})
}

func (j *job) status() (s contract.Status) {
	content, _ := os.ReadFile(j.path(contract.StatusName))
	json.Unmarshal(content, &s)
	return s
}

// wantEnd waits for the job's end and checks its exit code, and that no process
// of its is left.
func (j *job) wantEnd(code int) {
	j.t.Helper()
	select {
	case err := <-j.ended:
		var exit *exec.ExitError
		if err != nil && !errors.As(err, &exit) {
			j.t.Errorf("waiting for the job: %v", err)
		}
	case <-time.After(30 * time.Second):
		j.cmd.Process.Kill()
		j.t.Fatal("the job does not end")
	}
	if got := j.cmd.ProcessState.ExitCode(); got != code {
		j.t.Errorf("the job's exit code: got %d, want %d\n%s%s", got, code, &j.stdout, &j.stderr)
	}
	if left := processesIn(j.home); len(left) > 0 {
		j.t.Errorf("processes of the job are left: %q", left)
	}
}

// processesIn lists the processes that have home as their HOME.
func processesIn(home string) (found []string) {
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		environ, _ := os.ReadFile(file)
		if bytes.Contains(environ, []byte("\x00HOME="+home+"\x00")) {
			line, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "cmdline"))
			found = append(found, strings.ReplaceAll(string(line), "\x00", " "))
		}
	}
	return found
}

// servePID is the process that serves the job.
func (j *job) servePID() int {
	j.t.Helper()
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", j.cmd.Process.Pid))
	if err != nil {
		j.t.Fatal(err)
	}
	var pid int
	if _, err := fmt.Sscan(string(content), &pid); err != nil {
		j.t.Fatalf("init's children %q: %v", content, err)
	}
	return pid
}

// client prepares a stock client, which has to end with the test.
func (j *job) client(name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(j.t.Context(), name, append([]string{"-F", j.config}, args...)...)
	cmd.WaitDelay = 10 * time.Second
	return cmd
}

// result is what a client's run has left.
type result struct {
	stdout, stderr string
	code           int
}

// ssh runs a command in the job with the stock client.
func (j *job) ssh(stdin string, args ...string) result {
	j.t.Helper()
	return run(j.t, j.client("ssh", args...), stdin)
}

func run(t *testing.T, cmd *exec.Cmd, stdin string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
	var exit *exec.ExitError
	if err := cmd.Run(); err != nil && !errors.As(err, &exit) {
		t.Fatalf("running %q: %v\n%s", cmd.Args, err, &stderr)
	}
	return result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}
}

// makeKey writes a new private key to path and returns the public one as a line.
func makeKey(t *testing.T, path string) string {
	t.Helper()
	public, private, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(private, "")
	if err != nil {
		t.Fatal(err)
	}
	write(t, path, string(pem.EncodeToMemory(block)))
	key, err := ssh.NewPublicKey(public)
	if err != nil {
		t.Fatal(err)
	}
	return string(ssh.MarshalAuthorizedKey(key))
}

func write(t *testing.T, path, content string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// eventually waits until a condition holds.
func eventually(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}
