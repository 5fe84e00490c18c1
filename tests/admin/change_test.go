package admin

import (
	"fmt"
	"testing"

	"perch/entrypoint/contract"
	"perch/tests/pool"
)

const (
	wallTime   = "AllowedExecuteDuration"
	vacateTime = "JobMaxVacateTime"
	notice     = "PerchNotice"
	noticeIs   = "this site's rules changed the job: "

	idle      = contract.AttrIdleTimeout
	connected = contract.AttrIdleConnected
)

// changes are the settings of editing jobs and what the rules make of them.
// Numbers of the drop-ins are written out: a site that reads them has them.
var changes = []struct {
	name  string
	lines []string
	want  map[string]any
}{
	{"nothing is set", nil, map[string]any{
		wallTime: 8 * 3600, idle: 30 * 60, connected: 4 * 3600, "RequestMemory": 2048, notice: nil}},
	{"everything fits", []string{
		"allowed_execute_duration = 36000", "+PerchIdleTimeout = 7200", "+PerchIdleConnected = 28800",
		"job_max_vacate_time = 60", "request_memory = 3000", `+PerchNotice = "from the JDL"`,
	}, map[string]any{
		wallTime: 36000, idle: 7200, connected: 28800, vacateTime: 60, "RequestMemory": 3000, notice: nil}},
	{"small values", []string{
		"allowed_execute_duration = 1", "+PerchIdleTimeout = 1", "+PerchIdleConnected = 1", "job_max_vacate_time = 1",
	}, map[string]any{wallTime: 1, idle: 1, connected: 1, vacateTime: 1, notice: nil}},

	{"wall time too long", []string{"allowed_execute_duration = 36001"}, map[string]any{
		wallTime: 36000, notice: noticeIs + "it may run for 10:00:00"}},
	{"wall time without limit", []string{"allowed_execute_duration = 0"}, map[string]any{
		wallTime: 36000, notice: noticeIs + "it may run for 10:00:00"}},
	{"idle time too long", []string{"+PerchIdleTimeout = 7201"}, map[string]any{
		idle: 7200, notice: noticeIs + "it ends when nobody has been connected for 2:00:00"}},
	{"never idle", []string{"+PerchIdleTimeout = 0"}, map[string]any{
		idle: 7200, notice: noticeIs + "it ends when nobody has been connected for 2:00:00"}},
	{"idle time that is no number", []string{`+PerchIdleTimeout = "long"`}, map[string]any{
		idle: 7200, notice: noticeIs + "it ends when nobody has been connected for 2:00:00"}},
	{"windows unused too long", []string{"+PerchIdleConnected = 28801"}, map[string]any{
		connected: 28800, notice: noticeIs + "it ends when its windows have been unused for 8:00:00"}},
	{"leaves too slowly", []string{"job_max_vacate_time = 61"}, map[string]any{
		vacateTime: 60, notice: noticeIs + "it has 60 s to leave its slot"}},
	{"two rules", []string{"allowed_execute_duration = 36001", "+PerchIdleConnected = 0"}, map[string]any{
		notice: noticeIs + "it may run for 10:00:00, it ends when its windows have been unused for 8:00:00"}},
	{"another limit", []string{"concurrency_limits = licence"}, map[string]any{
		"ConcurrencyLimits": "licence,perch.alice_pool_perch_test"}},
}

func checkChanges(t *testing.T, p *pool.Pool) {
	for _, c := range changes {
		t.Run(c.name, func(t *testing.T) {
			got := ad(t, p, p.Submit(t, "alice", editor(append(c.lines, "hold = true")...)))
			for name, want := range c.want {
				if fmt.Sprint(got[name]) != fmt.Sprint(want) {
					t.Errorf("%s = %v, want %v", name, got[name], want)
				}
			}
		})
	}
	remove(t, p, "alice")
}

// checkBatchJob holds that no other job is touched, whatever it asks for.
func checkBatchJob(t *testing.T, p *pool.Pool) {
	got := ad(t, p, p.Submit(t, "alice", job("hold = true", "request_cpus = 12", "request_memory = 100",
		"job_max_vacate_time = 500", "+PerchIdleTimeout = 0", `+PerchNotice = "mine"`)))
	for name, want := range map[string]any{
		"RequestCpus": 12, "RequestMemory": 100, vacateTime: 500, idle: 0, notice: "mine",
		wallTime: nil, connected: nil, "ConcurrencyLimits": nil,
	} {
		if fmt.Sprint(got[name]) != fmt.Sprint(want) {
			t.Errorf("%s = %v, want %v", name, got[name], want)
		}
	}
	remove(t, p, "alice")
}

// checkProtection edits a queued job's ad as its user and as the administrator.
func checkProtection(t *testing.T, p *pool.Pool) {
	id := p.Submit(t, "alice", editor("hold = true"))
	for name, value := range map[string]string{
		contract.AttrEditorJob: "false", idle: "1000000", connected: "1000000",
		notice: `"none"`, "ConcurrencyLimits": `"none"`,
	} {
		got, err := p.Exec(t.Context(), "alice", "condor_qedit", id, name, value)
		if err != nil || got.Code == 0 {
			t.Errorf("alice may set %s: %+v, %v", name, got, err)
		}
		p.Run(t, "root", "condor_qedit", id, name, value)
	}
	p.Run(t, "alice", "condor_qedit", id, "JobPrio", "1")
	remove(t, p, "alice")
}
