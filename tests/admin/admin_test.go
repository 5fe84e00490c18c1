// Package admin tests the administrator's drop-ins in jdl-templates/admin, each
// rule with jobs that pass and jobs that do not, in pools of each version.
package admin

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/pool"
)

// early is read before the drop-ins: without them, no job could be entered for
// an hour.
const early = "STARTER_INITIAL_UPDATE_INTERVAL = 3600\nSTARTER_UPDATE_INTERVAL = 3600\n"

// late is read after the drop-ins, as a site would set its numbers.
const late = "PERCH_MAX_CPUS = 6\nPERCH_MAX_WALL_TIME = 10 * 3600\n"

func TestRules(t *testing.T) {
	for _, v := range pool.Versions {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			p := pool.Start(t, v, pool.Config{})
			t.Run("templates", func(t *testing.T) { checkTemplates(t, p) })
			install(t, p)
			t.Run("defaults and caps", func(t *testing.T) { checkChanges(t, p) })
			t.Run("batch jobs", func(t *testing.T) { checkBatchJob(t, p) })
			t.Run("size", func(t *testing.T) { checkSize(t, p) })
			t.Run("protection", func(t *testing.T) { checkProtection(t, p) })
			t.Run("entry", func(t *testing.T) { checkEntry(t, p) })
			t.Run("one at a time", func(t *testing.T) { checkOne(t, p) })
			t.Run("claims", func(t *testing.T) { checkClaims(t, p) })
			t.Run("wall time", func(t *testing.T) { checkWallTime(t, p) })
		})
	}
}

// install does what the drop-ins' README says: copy the files, condor_reconfig.
func install(t *testing.T, p *pool.Pool) {
	files := map[string]string{"40-early.conf": early, "90-site.conf": late}
	paths, err := filepath.Glob("../../jdl-templates/admin/*.conf")
	if err != nil || len(paths) != 3 {
		t.Fatalf("the drop-ins are %q, %v; want three", paths, err)
	}
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		files[filepath.Base(path)] = string(text)
	}
	for name, text := range files {
		path := filepath.Join(p.Root(), "etc/condor/config.d", name)
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	p.Run(t, "root", "condor_reconfig")
	for _, daemon := range []string{"-schedd", "-startd", "-negotiator"} {
		pool.Await(t, "the reconfiguration of "+daemon, func() bool {
			got, err := p.Exec(t.Context(), "root", "condor_config_val", daemon, "PERCH_MAX_CPUS")
			return err == nil && got.Stdout == "6\n"
		})
	}
}

// job is a submit description of a job that sleeps, with some lines of its own.
func job(lines ...string) string {
	return "executable = /bin/sleep\ntransfer_executable = false\narguments = 600\n" +
		"job_max_vacate_time = 3\nlog = user.log\n" + strings.Join(append(lines, "queue"), "\n")
}

// editor is job for an editing job.
func editor(lines ...string) string { return job(append(lines, "My.EditorJob = true")...) }

// ad returns the job's ad. Expressions that are not literals are as HTCondor
// writes them.
func ad(t *testing.T, p *pool.Pool, id string) map[string]any {
	t.Helper()
	var ads []map[string]any
	text := p.Run(t, "root", "condor_q", id, "-json")
	if err := json.Unmarshal([]byte(text), &ads); err != nil || len(ads) != 1 {
		t.Fatalf("condor_q %s -json: %d ads, %v:\n%s", id, len(ads), err, text)
	}
	return ads[0]
}

// remove takes a user's jobs out of the queue and waits until they are.
func remove(t *testing.T, p *pool.Pool, user string) {
	t.Helper()
	if result, err := p.Exec(t.Context(), user, "condor_rm", user); err != nil {
		t.Fatalf("condor_rm: %v: %s", err, result.Stderr)
	}
	pool.Await(t, "the end of "+user+"'s jobs", func() bool {
		return p.Run(t, user, "condor_q", user, "-autoformat", "ProcId") == ""
	})
}

// awaitStatus waits until a job has one of HTCondor's states, by JobStatus.
func awaitStatus(t *testing.T, p *pool.Pool, id string, status int) {
	t.Helper()
	pool.Await(t, fmt.Sprintf("job %s to have status %d", id, status), func() bool {
		return p.Attribute(t, id, "JobStatus") == fmt.Sprint(status)
	})
}
