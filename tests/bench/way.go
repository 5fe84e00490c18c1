package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"time"
)

// The ways that are compared, as they are called in tables.
const (
	byPerch      = "perch-ssh"
	byCondor     = "condor_ssh_to_job"
	byCarrier    = "stock ssh, carrier's socket"
	bySocket     = "stock ssh, job's socket"
	byLocal      = "perch-ssh, local engine"
	bySSHD       = "stock ssh, OpenSSH's sshd"
	eachSecond   = "condor_ssh_to_job, tried each second"
	letsAnyoneIn = "HTCondor lets anybody in"
)

// way is a command line that runs a command somewhere else.
type way struct {
	name string
	argv []string
	env  []string
}

// command runs remote, a line for a shell, over there.
func (w way) command(ctx context.Context, remote string) *exec.Cmd {
	argv := append(append([]string{}, w.argv...), remote)
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), w.env...)
	cmd.WaitDelay = time.Second // for a carrier's keep, which outlives it
	return cmd
}

// output is what remote prints.
func (w way) output(ctx context.Context, remote string) (string, error) {
	cmd := w.command(ctx, remote)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%s: %w: %s", w.name, err, stderr.Bytes())
	}
	return string(out), err
}

// runsTrue measures how long it takes to run "true", from start to end,
// and how busy the client is with it.
func (w way) runsTrue() measure {
	return measure{w.name, func(ctx context.Context) (sample, error) {
		cmd := w.command(ctx, "true")
		began := time.Now()
		if err := cmd.Run(); err != nil {
			return sample{}, err
		}
		return sample{time.Since(began).Seconds(), clientBusy(cmd)}, nil
	}}
}
