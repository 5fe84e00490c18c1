package e2e

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"
)

// place is the submit host, seen by one test case.
type place struct {
	bin, image string
	pool       bool
	dir        string
}

// suite are the cases, in the order in which they run.
var suite = []struct {
	name string
	run  func(*testing.T, place)
}{
	{"the image's system", imagesSystem},
	{"exit status of a script on stdin", scriptOnStdin},
	{"bytes pass unchanged", bytesUnchanged},
	{"environment", environment},
	{scratchCase, scratch},
	{"forwards", forwards},
	{"sftp", sftp},
	{"proxy", proxyCommand},
	{"terminal", terminal},
	{"one job for ten calls", tenCalls},
	{"two submit hosts", twoHosts},
	{"queued job", queuedJob},
	{"stop", stop},
	{"broken carrier", brokenCarrier},
	{"idle end", idleEnd},
	{"held", held},
	{"removed", removed},
	{"vacated", vacated},
	{"entrypoint killed", entrypointKilled},
	{"keep killed", keepKilled},
	{"lost key", lostKey},
	{"deleted note", deletedNote},
	{"changed submit description", changedJDL},
	{"removed while waiting", removedWhileWaiting},
	{"the image's entrypoint", imagesEntrypoint},
	{"no container", noContainer},
	{"image that does not start", brokenImage},
	{"another contract", anotherContract},
	{"long runtime directory", longRuntimeDir},
	{"no key in sight", noKeyInSight},
	{"bad input", badInput},
	{"full disk", fullDisk},
	{"nothing left", nothingLeft},
}

func runSuite(t *testing.T, where string) {
	for _, c := range suite {
		t.Run(c.name, func(t *testing.T) {
			p := place{bin: os.Getenv("PERCH_E2E_BIN"), image: os.Getenv("PERCH_E2E_IMAGE"), pool: where == "pool"}
			home, err := os.UserHomeDir()
			if err != nil {
				t.Fatal(err)
			}
			p.dir = filepath.Join(home, "JDLs")
			if err := os.MkdirAll(p.dir, 0o755); err != nil {
				t.Fatal(err)
			}
			c.run(t, p)
		})
	}
}

// jdl writes a submit description of the case's own and returns how it is
// named on perch-ssh's command line.
func (p place) jdl(t *testing.T, name string, more ...string) string {
	t.Helper()
	lines := []string{"request_cpus = 1", "request_memory = 128M", "request_disk = 10M"}
	if p.image != "" {
		lines = append(lines, "universe = container", "container_image = "+p.image)
	}
	lines = append(append(lines, more...), "queue", "")
	path := filepath.Join(p.dir, name+".jdl")
	if err := os.WriteFile(path, []byte(strings.Join(lines, "\n")), 0o644); err != nil {
		t.Fatal(err)
	}
	target := "JDL:" + path
	t.Cleanup(func() { p.run(t, "", "perch", "stop", target) })
	return target
}

// shared is the target whose job the cases use that leave it as it is.
func (p place) shared(t *testing.T) string {
	t.Helper()
	path := filepath.Join(p.dir, "shared.jdl")
	if _, err := os.Stat(path); err == nil {
		return "JDL:" + path
	}
	lines := "request_cpus = 1\nrequest_memory = 256M\n"
	if p.image != "" {
		lines += "universe = container\ncontainer_image = " + p.image + "\n"
	}
	if err := os.WriteFile(path, []byte(lines+"queue\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	return "JDL:" + path
}

// result is what a program left.
type result struct {
	stdout, stderr string
	code           int
}

// run runs one of Perch's programs, or any other, with input on stdin.
func (p place) run(t *testing.T, input, program string, args ...string) result {
	t.Helper()
	return finish(t, p.command(program, args...), input)
}

func (p place) command(program string, args ...string) *exec.Cmd {
	if own := filepath.Join(p.bin, program); strings.HasPrefix(program, "perch") {
		program = own
	}
	return exec.Command(program, args...)
}

func finish(t *testing.T, cmd *exec.Cmd, input string) result {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	cmd.WaitDelay = 5 * time.Second
	err := cmd.Run()
	var status *exec.ExitError
	if err != nil && !errors.As(err, &status) {
		t.Fatalf("running %q: %v", cmd.Args, err)
	}
	return result{stdout: stdout.String(), stderr: stderr.String(), code: cmd.ProcessState.ExitCode()}
}

// ssh runs perch-ssh, and fails the test unless it succeeds.
func (p place) ssh(t *testing.T, args ...string) string {
	t.Helper()
	r := p.run(t, "", "perch-ssh", args...)
	if r.code != 0 {
		t.Fatalf("perch-ssh %q: exit status %d\nstdout: %s\nstderr: %s", args, r.code, r.stdout, r.stderr)
	}
	return r.stdout
}

// job is the number of the target's job, as perch status says it.
func (p place) job(t *testing.T, target string) string {
	t.Helper()
	r := p.run(t, "", "perch", "status", "--json", target)
	_, rest, ok := strings.Cut(r.stdout, `"job": "`)
	id, _, _ := strings.Cut(rest, `"`)
	if !ok {
		t.Fatalf("perch status %s names no job: %s%s", target, r.stdout, r.stderr)
	}
	return id
}

// await waits until a condition holds, and fails the test after a minute.
func await(t *testing.T, what string, holds func() bool) {
	t.Helper()
	for end := time.Now().Add(2 * time.Minute); time.Now().Before(end); time.Sleep(100 * time.Millisecond) {
		if holds() {
			return
		}
	}
	t.Fatalf("%s: not so after two minutes", what)
}

// processes are those of this user whose command line or program matches, but
// for this one and its parents.
func processes(match func(cmdline string) bool) map[int]string {
	found := map[int]string{}
	dirs, _ := filepath.Glob("/proc/[0-9]*")
	for _, dir := range dirs {
		st, err := os.Stat(dir)
		if err != nil || fmt.Sprint(uidOf(st)) != fmt.Sprint(os.Getuid()) {
			continue
		}
		line, err := os.ReadFile(filepath.Join(dir, "cmdline"))
		text := strings.ReplaceAll(string(line), "\x00", " ")
		if err != nil || text == "" || strings.Contains(text, "e2e.test") || !match(text) {
			continue
		}
		pid, _ := strconv.Atoi(filepath.Base(dir))
		found[pid] = text
	}
	return found
}
