// Package htcondor runs jobs in an HTCondor pool, 23.9 to 25.x, by HTCondor's
// own command line tools. They alone read submit descriptions, decide about
// authentication and find the way into a job.
package htcondor

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"perch/shim/internal/engine"
)

// toolLimit ends a tool of HTCondor's that does not come back: condor_submit
// runs for ever on some macros, and every tool on a network that drops packets.
const toolLimit = 60 * time.Second

// Engine is an engine.Engine.
type Engine struct {
	queue string
	owner string
	// PerchSSH is the path of the program perch-ssh, which guards the
	// carrier's ssh.
	PerchSSH string
	// SSH is the path of the stock ssh.
	SSH string
}

var _ engine.Engine = (*Engine)(nil)

// Installed tells whether HTCondor's tools are on PATH.
func Installed() bool {
	_, err := exec.LookPath("condor_submit")
	return err == nil
}

// New asks HTCondor's configuration for the schedd that its tools would use.
func New(ctx context.Context, perchSSH, ssh string) (*Engine, error) {
	if !Installed() {
		return nil, errors.New("there is no condor_submit on PATH; log in to a submit host, or set PERCH_ENGINE=local")
	}
	for _, path := range []string{perchSSH, ssh} {
		if strings.ContainsAny(path, " \t\"'") {
			return nil, fmt.Errorf("condor_ssh_to_job cannot start %q: its path holds a blank or a quote; install it elsewhere", path)
		}
	}
	owner, err := userName(ctx)
	if err != nil {
		return nil, err
	}
	out, err := tool(ctx, "", "condor_config_val", "-macro", "$(SCHEDD_HOST:)/$(SCHEDD_NAME:)/$(FULL_HOSTNAME:)")
	if err != nil {
		return nil, fmt.Errorf("asking HTCondor's configuration for the schedd: %w", err)
	}
	queue, err := scheddName(string(out.stdout))
	if err != nil {
		return nil, err
	}
	return &Engine{queue: queue, owner: owner, PerchSSH: perchSSH, SSH: ssh}, nil
}

// userName is what the schedd calls the user. id(1) asks whatever the host has
// for names; a static program sees /etc/passwd only.
func userName(ctx context.Context) (string, error) {
	out, err := tool(ctx, "", "id", "-un")
	name := strings.TrimSpace(string(out.stdout))
	if err != nil || name == "" {
		return "", fmt.Errorf("finding your user name by id -un: %w", err)
	}
	return name, nil
}

// scheddName applies HTCondor's rules (manual, SCHEDD_HOST and SCHEDD_NAME) to
// "host/name/full hostname".
func scheddName(macros string) (string, error) {
	parts := strings.SplitN(strings.TrimSpace(macros), "/", 3)
	if len(parts) != 3 {
		return "", fmt.Errorf("HTCondor's configuration answers %q for the schedd; look at condor_config_val SCHEDD_HOST", macros)
	}
	host, name, full := parts[0], parts[1], parts[2]
	switch {
	case host != "":
		return host, nil
	case name == "":
		return full, nil
	case strings.Contains(name, "@"):
		return name, nil
	}
	return name + "@" + full, nil
}

// Queue is the schedd's name.
func (e *Engine) Queue() string { return e.queue }

// Remove takes a job out of the queue by condor_rm.
func (e *Engine) Remove(ctx context.Context, j engine.Job, reason string) error {
	out, err := tool(ctx, "", "condor_rm", "-reason", reason, j.ID)
	if err != nil && !strings.Contains(out.text(), "not found") {
		return fmt.Errorf("removing job %s: %w", j.ID, err)
	}
	return nil
}

type output struct{ stdout, stderr []byte }

func (o output) text() string { return string(o.stderr) + string(o.stdout) }

// tool runs a program of HTCondor's in dir with nothing on stdin. Its error is
// what the tool said, in one line. The tool dies with this process: a
// condor_submit that went on would do so without the target's lock.
func tool(caller context.Context, dir, name string, args ...string) (output, error) {
	ctx, cancel := context.WithTimeout(caller, toolLimit)
	defer cancel()
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir = dir
	cmd.WaitDelay = time.Second
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	out := output{stdout: stdout.Bytes(), stderr: stderr.Bytes()}
	switch {
	case err == nil:
		return out, nil
	case caller.Err() != nil:
		return out, fmt.Errorf("%s did not answer in time: %w", name, context.Cause(caller))
	case errors.Is(ctx.Err(), context.DeadlineExceeded):
		return out, fmt.Errorf("%s did not answer within %v; try again, or ask your administrator about the schedd", name, toolLimit)
	}
	said := complaint(string(out.stderr))
	if said == "" {
		said = complaint(string(out.stdout))
	}
	if said != "" {
		return out, errors.New(said)
	}
	return out, fmt.Errorf("running %s: %w", name, err)
}

// maxComplaint bounds what is passed on of a tool's words, in bytes: a bad
// expression is printed with all that condor_submit has added to it.
const maxComplaint = 400

// complaint makes one line of what a tool of HTCondor's printed, without its
// warnings and what it says about such errors in general. The cause often stands
// in the line below the one with ERROR.
func complaint(text string) string {
	var said strings.Builder
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		line = strings.TrimSpace(strings.TrimPrefix(line, "ERROR:"))
		if strings.HasPrefix(line, "Extra Info:") {
			break
		}
		if line == "" || strings.HasPrefix(line, "WARNING:") {
			continue
		}
		switch {
		case said.Len() == 0:
		case strings.HasSuffix(said.String(), ":"):
			said.WriteString(" ")
		default:
			said.WriteString("; ")
		}
		said.WriteString(line)
	}
	if said.Len() > maxComplaint {
		return strings.ToValidUTF8(said.String()[:maxComplaint], "") + " …"
	}
	return said.String()
}
