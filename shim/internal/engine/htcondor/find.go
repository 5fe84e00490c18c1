package htcondor

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
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
		return nil, fmt.Errorf("asking the schedd: %w; see by condor_status -schedd whether it runs, then try again", err)
	}
	return parseQueue(out.stdout)
}

func parseQueue(data []byte) ([]engine.Job, error) {
	// An empty queue is printed as nothing at all.
	if len(bytes.TrimSpace(data)) == 0 {
		return nil, nil
	}
	var rows []row
	err := json.Unmarshal(data, &rows)
	// An attribute of the wrong kind, which is left at zero, must not hide the
	// user's other jobs.
	if wrong, ok := errors.AsType[*json.UnmarshalTypeError](err); err != nil && (!ok || wrong.Field == "") {
		return nil, fmt.Errorf("reading condor_q's answer: %w; look at condor_q -json", err)
	}
	jobs := make([]engine.Job, 0, len(rows))
	for _, r := range rows {
		if r.ClusterId > 0 && r.ProcId >= 0 {
			jobs = append(jobs, r.job())
		}
	}
	return jobs, nil
}

// literal is a string attribute, or "" where the ad has an expression, which
// condor_q prints as "/Expr(…)/".
func literal(s string) string {
	if strings.HasPrefix(s, "/Expr(") {
		return ""
	}
	return s
}

func (r row) job() engine.Job {
	j := engine.Job{
		ID:      fmt.Sprintf("%d.%d", r.ClusterId, r.ProcId),
		State:   engine.State(r.JobStatus),
		Since:   time.Unix(r.EnteredCurrentStatus, 0),
		Target:  literal(r.PerchTarget),
		Name:    literal(r.PerchName),
		Key:     literal(r.PerchHostKey),
		Log:     literal(r.UserLog),
		Notice:  literal(r.PerchNotice),
		Evicted: r.NumJobStarts > 0 && r.JobStatus == int(engine.Idle),
	}
	if j.Log != "" && !filepath.IsAbs(j.Log) {
		j.Log = filepath.Join(literal(r.Iwd), j.Log)
	}
	switch j.State {
	case engine.Held:
		j.Reason = literal(r.HoldReason)
	case engine.Idle:
		j.Reason = literal(r.LastRejMatchReason)
	}
	return j
}
