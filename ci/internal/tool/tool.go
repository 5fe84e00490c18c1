// Package tool runs the programs that build images (buildah, mmdebstrap, …):
// what they print goes into a log, and when one fails, what it said last
// becomes the error.
package tool

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"time"
)

// grace is how long a program may take to clean up when it is asked to end.
const grace = 15 * time.Second

// tail is how much of a program's error output is kept for its error.
const tail = 16 << 10

// packages are the Debian packages of programs that have another name.
var packages = map[string]string{"ssh": "openssh-client", "sftp": "openssh-client", "docker": "docker.io", "apt-get": "apt", "apt-config": "apt"}

// Need returns an error that names the package to install unless each of the
// programs is on PATH.
func Need(programs ...string) error {
	for _, p := range programs {
		if _, err := exec.LookPath(p); err != nil {
			return fmt.Errorf("%s is not installed; install it first (Debian: apt-get install %s)", p, cmp.Or(packages[p], p))
		}
	}
	return nil
}

// Have says whether a program is on PATH.
func Have(program string) bool { return Need(program) == nil }

// Run runs a program and returns what it wrote to stdout, without the last line
// end. All that it prints goes to log too. A program still running when ctx
// ends gets SIGTERM, and some time to clean up.
func Run(ctx context.Context, log io.Writer, program string, args ...string) (string, error) {
	return RunIn(ctx, nil, log, program, args...)
}

// RunIn is Run with env added to the environment of the program. The log does not
// have it.
func RunIn(ctx context.Context, env []string, log io.Writer, program string, args ...string) (string, error) {
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Env = append(os.Environ(), env...)
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = grace
	var stdout, stderr bytes.Buffer
	fmt.Fprintf(log, "+ %s %s\n", program, strings.Join(args, " "))
	cmd.Stdout = io.MultiWriter(&stdout, log)
	cmd.Stderr = io.MultiWriter(&stderr, log)
	err := cmd.Run()
	if ctx.Err() != nil {
		return "", fmt.Errorf("%s was stopped: %w", filepath.Base(program), context.Cause(ctx))
	}
	if err != nil {
		return "", failure(filepath.Base(program), err, stderr.String())
	}
	return strings.TrimSuffix(stdout.String(), "\n"), nil
}

// failure makes one line of how a program failed. A full disk becomes ENOSPC,
// which callers can ask for.
func failure(program string, err error, stderr string) error {
	if len(stderr) > tail {
		stderr = stderr[len(stderr)-tail:]
	}
	if strings.Contains(strings.ToLower(stderr), syscall.ENOSPC.Error()) {
		return fmt.Errorf("%s: %w", program, syscall.ENOSPC)
	}
	if said := cause(stderr); said != "" {
		return fmt.Errorf("%s: %s", program, said)
	}
	return fmt.Errorf("%s: %w", program, err)
}

// cause returns the line that most likely says why a program failed: the first
// that looks like an error, since others tell what followed from it, or else the
// last one.
func cause(stderr string) string {
	var last string
	for line := range strings.Lines(stderr) {
		line = strings.TrimSpace(line)
		// "Error:" alone is a heading.
		if line == "" || line == "Error:" || looksLikeError(last) || last != "" && afterwards.MatchString(line) {
			continue
		}
		last = line
	}
	for _, prefix := range []string{"Error: ", "ERROR: ", "E: "} {
		last = strings.TrimPrefix(last, prefix)
	}
	return last
}

// afterwards is what buildah and podman say when a command of a build has failed,
// and has said itself why.
var afterwards = regexp.MustCompile(`^(subprocess exited with status|Error: building at STEP )`)

func looksLikeError(line string) bool {
	for _, prefix := range []string{"Error", "ERROR", "FATAL", "E:"} {
		if strings.HasPrefix(line, prefix) {
			return true
		}
	}
	return false
}
