package htcondor

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
)

// attributes are what condor_q is asked for.
var attributes = strings.Join([]string{"ClusterId", "ProcId", "JobStatus", "EnteredCurrentStatus",
	contract.AttrTarget, contract.AttrName, contract.AttrKey, "PerchNotice",
	"UserLog", "Iwd", "HoldReason", "LastRejMatchReason", "NumJobStarts"}, ",")

// row is one job as condor_q -json prints it, which leaves undefined
// attributes out. The ad is the user's own, but may have been edited.
type row struct {
	ClusterId, ProcId, JobStatus   int
	EnteredCurrentStatus           int64
	PerchTarget, PerchName         string
	PerchHostKey, PerchNotice      string
	UserLog, Iwd                   string
	HoldReason, LastRejMatchReason string
	NumJobStarts                   int
}

var hexOnly = regexp.MustCompile(`^[0-9a-f]+$`)

// Find asks the schedd.
func (e *Engine) Find(ctx context.Context, target string) ([]engine.Job, error) {
	constraint := fmt.Sprintf("Owner == %s && %s =!= undefined", quote(e.owner), contract.AttrTarget)
	if target != "" {
		if !hexOnly.MatchString(target) {
			return nil, fmt.Errorf("%q is no target's hash", target)
		}
		constraint = fmt.Sprintf("Owner == %s && %s == %s", quote(e.owner), contract.AttrTarget, quote(target))
	}
	out, err := tool(ctx, "", "condor_q", "-json", "-constraint", constraint, "-attributes", attributes)
	if err != nil {
		return nil, fmt.Errorf("asking the schedd: %w", err)
	}
	return parseQueue(out.stdout)
}

func parseQueue(data []byte) ([]engine.Job, error) {
	// An empty queue is printed as nothing at all.
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	var rows []row
	if err := json.Unmarshal(data, &rows); err != nil {
		return nil, fmt.Errorf("reading condor_q's answer: %w; look at condor_q -json", err)
	}
	jobs := make([]engine.Job, 0, len(rows))
	for _, r := range rows {
		jobs = append(jobs, r.job())
	}
	return jobs, nil
}

func (r row) job() engine.Job {
	j := engine.Job{
		ID:      fmt.Sprintf("%d.%d", r.ClusterId, r.ProcId),
		State:   engine.State(r.JobStatus),
		Since:   time.Unix(r.EnteredCurrentStatus, 0),
		Target:  r.PerchTarget,
		Name:    r.PerchName,
		Key:     r.PerchHostKey,
		Log:     r.UserLog,
		Notice:  r.PerchNotice,
		Evicted: r.NumJobStarts > 0 && r.JobStatus == int(engine.Idle),
	}
	if j.Log != "" && !filepath.IsAbs(j.Log) {
		j.Log = filepath.Join(r.Iwd, j.Log)
	}
	switch j.State {
	case engine.Held:
		j.Reason = r.HoldReason
	case engine.Idle:
		j.Reason = r.LastRejMatchReason
	}
	return j
}
