package pipelines

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perch/images"
	"perch/tests/cache"
	"perch/tests/session"
	"perch/tests/vscode"
)

// gitlabCILocal reads templates as GitLab does, checks them by GitLab's schema
// and runs jobs.
const gitlabCILocal = "gitlab-ci-local@4.75.1"

// project is a project on GitLab that includes the templates.
type project struct {
	*checkout
	home string
	// program is gitlab-ci-local.
	program []string
}

// newProject is the repository with a .gitlab-ci.yml.
func newProject(t *testing.T, include string) *project {
	t.Helper()
	node, _ := vscode.Node(t)
	tool := cache.Dir("npm", gitlabCILocal)
	err := cache.Get(t.Context(), tool, func(ctx context.Context, part string) error {
		install := exec.CommandContext(ctx, "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", part, gitlabCILocal)
		out, err := install.CombinedOutput()
		return errors.Join(os.MkdirAll(part, 0o755), err, note(t, out))
	})
	if err != nil {
		t.Fatal(err)
	}
	p := &project{checkout: newCheckout(t), home: t.TempDir(),
		program: []string{node, filepath.Join(tool, "node_modules/gitlab-ci-local/dist/index.js")}}
	p.write(".gitlab-ci.yml", include)
	p.git("remote", "add", "origin", "git@gitlab.example.org:site/perch.git")
	p.commit()
	p.git("update-ref", "refs/remotes/origin/main", "HEAD")
	p.git("symbolic-ref", "refs/remotes/origin/HEAD", "refs/remotes/origin/main")
	return p
}

func note(t *testing.T, out []byte) error { t.Logf("%s", out); return nil }

func (p *project) run(args ...string) (string, error) {
	cmd := exec.CommandContext(p.t.Context(), p.program[0], append(append(p.program[1:], "--home", p.home), args...)...)
	cmd.Dir = p.dir
	out, err := cmd.CombinedOutput()
	return string(out), err
}

const includeAll = "include:\n  - local: ci/gitlab/images.yml\n"

// jobs are what the project would run in a pipeline of a kind.
func (p *project) jobs(source string) []string {
	p.t.Helper()
	out, err := p.run("--list-csv", "--variable", "CI_PIPELINE_SOURCE="+source)
	if err != nil {
		p.t.Fatalf("%v\n%s", err, out)
	}
	_, table, _ := strings.Cut(out, "name;stage;")
	var jobs []string
	for line := range strings.Lines(table) {
		if name, _, _ := strings.Cut(line, ";"); strings.HasPrefix(name, "perch:") {
			jobs = append(jobs, name)
		}
	}
	return jobs
}

// TestGitLab: the templates are what GitLab takes, each environment has its
// jobs, and nothing is published from another branch.
func TestGitLab(t *testing.T) {
	catalogue, err := images.Catalog("")
	if err != nil {
		t.Fatal(err)
	}
	const each = 3 // jobs of an environment: build and try, publish, prune
	p := newProject(t, includeAll)
	out, err := p.run("--list-json")
	if err != nil || !strings.Contains(out, "json schema validated") {
		t.Fatalf("%v\n%s", err, out)
	}
	var jobs []struct{ Name string }
	if err := json.Unmarshal([]byte(out[strings.Index(out, "\n[")+1:]), &jobs); err != nil || len(jobs) != each*len(catalogue) {
		t.Errorf("%d jobs, %v", len(jobs), err)
	}
	isPublish := func(job string) bool { return strings.HasSuffix(job, ":publish") }
	if jobs := p.jobs("schedule"); len(jobs) != each*len(catalogue) || !slices.ContainsFunc(jobs, isPublish) {
		t.Errorf("each night runs %q", jobs)
	}
	p.write(".gitlab-ci.yml", "include:\n  - local: ci/gitlab/image.yml\n    inputs: {environment: minimal, keep: 0}\n")
	if diff := cmp.Diff([]string{"perch:minimal", "perch:minimal:publish"}, p.jobs("schedule")); diff != "" {
		t.Errorf("with all images kept, each night runs (-want +got):\n%s", diff)
	}
	p.write(".gitlab-ci.yml", includeAll)
	p.git("checkout", "-qb", "change")
	p.write("docs/admin.md", "other words")
	p.commit()
	if jobs := p.jobs("merge_request_event"); len(jobs) > 0 {
		t.Errorf("a change that no image knows of runs %q", jobs)
	}
	p.write("images/shared/profile.sh", "other")
	p.commit()
	if jobs := p.jobs("merge_request_event"); len(jobs) != len(catalogue) || slices.ContainsFunc(jobs, isPublish) {
		t.Errorf("a change of all images runs %q", jobs)
	}
}

// TestGitLabRefuses: what is no template is seen to be none.
func TestGitLabRefuses(t *testing.T) {
	p := newProject(t, includeAll)
	if out, err := p.run("--list"); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	template := read(t, "ci/gitlab/image.yml")
	for _, c := range []struct{ old, broken, says string }{
		{"\n  script:", "\n  scripts:", "must have script"},
		{"\n  interruptible: true", "\n  interruptible: perhaps", "schema"},
		{"\n      junit: out", "\n      junits: out", "schema"},
		{"inputs.environment ]]:pub", "inputs.name ]]:pub", "unknown interpolation key: `name`"},
		{"needs: [\"perch:", "needs: [\"pearch:", "pearch"},
	} {
		if !strings.Contains(template, c.old) {
			t.Errorf("the template has no %q", c.old)
			continue
		}
		p.write("ci/gitlab/image.yml", strings.ReplaceAll(template, c.old, c.broken))
		if out, err := p.run("--list"); err == nil || !strings.Contains(out, c.says) {
			t.Errorf("%q: %v\n%s", c.broken, err, out)
		}
	}
}

// TestGitLabJobs runs the jobs of one environment, as they stand, by the shell
// executor: a real image is built, tried, sent, signed, verified, and removed.
func TestGitLabJobs(t *testing.T) {
	s := newSite(t, quiet())
	host, _, _ := strings.Cut(s.repository, "/")
	s.repository = host + "/site/minimal"
	p := newProject(t, "include:\n  - local: ci/gitlab/image.yml\n    inputs: {environment: minimal, repository: "+host+"/site, keep: 1}\n")
	cosign(t) // from here on, make cosign has it in Go's caches
	run := func(job string) string {
		t.Helper()
		args := []string{"--force-shell-executor", "--variable", "COSIGN_PASSWORD=secret"}
		for name, value := range map[string]string{"PERCH_SIGNING_KEY": filepath.Join(s.dir, "cosign.key"), "PERCH_SIGNING_CONFIG": filepath.Join(s.dir, "none.json"),
			"GOCACHE": session.GoEnv(t, "GOCACHE"), "GOMODCACHE": session.GoEnv(t, "GOMODCACHE")} {
			args = append(args, "--variable", name+"="+value)
		}
		out, err := p.run(append(args, job)...)
		if err != nil {
			t.Fatalf("%s: %v\n%s", job, err, out)
		}
		return out
	}
	if out := run("perch:minimal"); !strings.Contains(out, "ok     entrypoint ready") || !strings.Contains(out, "site/minimal:latest is not there yet") {
		t.Errorf("it was not tried, or not compared:\n%s", out)
	}
	for _, report := range []string{"junit.xml", "report.json", "report.html", "spdx.json", "packages.tsv", "tar"} {
		kept := filepath.Join(p.dir, ".gitlab-ci-local/artifacts/*/out/minimal."+report)
		if found, err := filepath.Glob(kept); err != nil || len(found) != 1 {
			t.Errorf("%s is %q, %v", kept, found, err)
		}
	}
	run("perch:minimal:publish")
	s.must("cosign", "verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", s.repository+":latest")
	if out := run("perch:minimal:publish"); !strings.Contains(out, "site/minimal:latest is that image already") || strings.Contains(out, "perch-ci: signing") {
		t.Errorf("the same image was published again:\n%s", out)
	}
	s.must("perch-ci", "push", "--dated", s.image("later"), s.repository+":latest")
	if out := run("perch:minimal:prune"); !strings.Contains(out, "/site/minimal@sha256:") {
		t.Errorf("the image before the last was not removed:\n%s", out)
	}
}
