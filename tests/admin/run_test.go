package admin

import (
	"strings"
	"testing"

	"perch/tests/pool"
)

// checkEntry enters a running job, which needs the starter's first update.
func checkEntry(t *testing.T, p *pool.Pool) {
	id := p.Submit(t, "alice", job())
	awaitStatus(t, p, id, 2)
	pool.Await(t, "a way into the job", func() bool {
		got, err := p.Exec(t.Context(), "alice", "condor_ssh_to_job", id, "echo", "inside")
		return err == nil && got.Stdout == "inside\n"
	})
	remove(t, p, "alice")
}

// checkOne has alice start two editing jobs, and bob one.
func checkOne(t *testing.T, p *pool.Pool) {
	first := p.Submit(t, "alice", editor())
	awaitStatus(t, p, first, 2)
	second := p.Submit(t, "alice", editor())
	awaitStatus(t, p, p.Submit(t, "bob", editor()), 2)
	awaitStatus(t, p, p.Submit(t, "alice", job()), 2)
	pool.Await(t, "the reason why the second job waits", func() bool {
		return p.Attribute(t, second, "LastRejMatchReason") == "concurrency limit perch.alice_pool_perch_test reached"
	})
	if got := p.Attribute(t, second, "JobStatus"); got != "1" {
		t.Errorf("beside a running editing job the next one has status %s, want 1 (idle)", got)
	}
	p.Run(t, "alice", "condor_rm", first)
	awaitStatus(t, p, second, 2)
	remove(t, p, "alice")
	remove(t, p, "bob")
}

// checkClaims ends an editing job while its user has batch jobs that would take
// over the slot, and with it the claim that counts as an editing job.
func checkClaims(t *testing.T, p *pool.Pool) {
	const half = "request_cpus = 6" // of 16: two jobs at a time
	first := p.Submit(t, "alice", editor(half))
	awaitStatus(t, p, first, 2)
	for range 3 {
		p.Submit(t, "alice", job(half))
	}
	second := p.Submit(t, "alice", editor(half, "priority = -1"))
	pool.Await(t, "the second job to be refused", func() bool {
		return strings.HasPrefix(p.Attribute(t, second, "LastRejMatchReason"), "concurrency limit")
	})
	p.Run(t, "alice", "condor_rm", first)
	pool.Await(t, "two batch jobs in the slots", func() bool {
		running := p.Run(t, "alice", "condor_q", "alice", "-constraint", "JobStatus == 2", "-autoformat", "ClusterId")
		return strings.Count(running, "\n") == 2
	})
	pool.Await(t, "the end of the editing job's claim", func() bool {
		return p.Run(t, "root", "condor_status", "-constraint", "ConcurrencyLimits isnt undefined", "-autoformat", "Name") == ""
	})
	remove(t, p, "alice")
}

// checkWallTime lets a batch job and an editing job run for too long. The rule
// looks at both at the same moment, and the batch job is older; HTCondor holds
// that one when its starter next reports, which here takes an hour.
func checkWallTime(t *testing.T, p *pool.Pool) {
	batch := p.Submit(t, "alice", job("allowed_execute_duration = 2", "log = batch.log"))
	awaitStatus(t, p, batch, 2)
	edit := p.Submit(t, "alice", editor("allowed_execute_duration = 2", "log = edit.log"))
	awaitStatus(t, p, edit, 3)
	const want = "the editing job has run for its wall time of 2; start another one, or ask for more by allowed_execute_duration, up to 10:00:00"
	if got := p.Attribute(t, edit, "RemoveReason"); got != want {
		t.Errorf("the reason is %q, want %q", got, want)
	}
	if got := p.Run(t, "alice", "cat", "edit.log"); !strings.Contains(got, "Job was aborted.\n\t"+want+"\n") {
		t.Errorf("the user log does not say why the job was removed:\n%s", got)
	}
	if got := p.Attribute(t, batch, "JobStatus"); got != "2" && got != "5" {
		t.Errorf("the batch job has status %s, want 2 (running) or 5 (held)", got)
	}
	remove(t, p, "alice")
}
