package local

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"time"

	"perch/shim/internal/engine"
)

// EnvCPUs is the environment variable that says how many cores the jobs may
// have together, by their request_cpus. Without it they may have four times as
// many as the machine, so that a laptop is never stuck.
const EnvCPUs = "PERCH_LOCAL_CPUS"

// corePace is how often a job that waits looks for free cores.
const corePace = 500 * time.Millisecond

func coreLimit() int {
	if n, err := strconv.Atoi(os.Getenv(EnvCPUs)); err == nil && n > 0 {
		return n
	}
	return 4 * runtime.NumCPU()
}

// waitForCores waits until the job has its cores, and returns false when the
// job shall end instead.
func (s *starter) waitForCores(ctx context.Context) bool {
	tick := time.NewTicker(corePace)
	defer tick.Stop()
	for {
		granted := false
		err := s.update(func(now *status) error {
			if now.Removal != "" {
				return nil
			}
			reason, err := s.shortage()
			if err != nil {
				return err
			}
			if granted = reason == ""; granted {
				now.Scratch = s.q.scratch(s.job.Cluster)
				reason = "starting"
			}
			now.Reason = reason
			return nil
		})
		complain(err)
		if granted && err == nil {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-tick.C:
		}
	}
}

// shortage says why the job cannot have its cores now, or "".
func (s *starter) shortage() (string, error) {
	limit, want := coreLimit(), s.job.Cpus
	if want > limit {
		return fmt.Sprintf("the job asks for %d cores, but local jobs may have %d here (%s)", want, limit, EnvCPUs), nil
	}
	entries, err := s.q.entries()
	if err != nil {
		return "", err
	}
	used := 0
	for _, other := range entries {
		if other.Cluster != s.job.Cluster && other.status.Scratch != "" && other.status.State != engine.Held && other.status.Starter.alive() {
			used += other.Cpus
		}
	}
	if used+want > limit {
		return fmt.Sprintf("waiting for cores: the job asks for %d, other jobs have %d of %d", want, used, limit), nil
	}
	return "", nil
}
