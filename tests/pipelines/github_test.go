package pipelines

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rhysd/actionlint"
)

// TestGitHubScripts runs the scripts of images.yml in their order, for one
// environment. What GitHub would put into the jobs' variables is given here; a
// variable that a script uses and its job does not set is an error.
func TestGitHubScripts(t *testing.T) {
	all := all(t)
	i := slices.IndexFunc(all, func(p Pipeline) bool { return p.File == ".github/workflows/images.yml" })
	if i < 0 {
		t.Fatal("there is no images.yml")
	}
	jobs := all[i].Workflow.Jobs
	s, c := newSite(t, quiet()), newCheckout(t)
	host, _, _ := strings.Cut(s.repository, "/")
	s.repository = host + "/site/minimal"
	cosign(t) // from here on, make cosign has it in Go's caches
	output := filepath.Join(s.dir, "output")
	values := map[string]string{
		"NAME": "minimal", "FRESH": "false", "REPOSITORY": s.repository, "KEEP": "1", "COSIGN_PRIVATE_KEY": "", "COSIGN_PASSWORD": "secret",
		"SIGNING_KEY": filepath.Join(s.dir, "cosign.key"), "SIGNING_CONFIG": filepath.Join(s.dir, "none.json"),
		"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "safe.directory", "GIT_CONFIG_VALUE_0": "*",
	}
	for _, name := range []string{"names", "image", "publish"} {
		for _, step := range jobs[name].Steps {
			c.step(step, values, jobs[name].Env, step.Env, output)
		}
	}
	line, err := os.ReadFile(output)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(line), "names=")), &names); err != nil || !slices.Contains(names, "minimal") {
		t.Errorf("the matrix is %q, %v", line, err)
	}
	s.must("cosign", "verify", "--key", "cosign.pub", "--insecure-ignore-tlog=true", s.repository+":latest")
}

// step runs a step's script, if it has one, with those variables alone that the
// job and the step set.
func (c *checkout) step(step *actionlint.Step, values map[string]string, job, own *actionlint.Env, output string) {
	c.t.Helper()
	run, ok := step.Exec.(*actionlint.ExecRun)
	if !ok {
		return
	}
	cmd := exec.CommandContext(c.t.Context(), "bash", "-euo", "pipefail", "-c", run.Run.Value)
	cmd.Dir = c.dir
	cmd.Env = append(os.Environ(), "GITHUB_OUTPUT="+output)
	for _, env := range []*actionlint.Env{job, own} {
		if env == nil {
			continue
		}
		for _, v := range env.Vars {
			value, known := values[v.Name.Value]
			if !known {
				c.t.Errorf("what would %s be on GitHub?", v.Name.Value)
			}
			cmd.Env = append(cmd.Env, v.Name.Value+"="+value)
		}
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		c.t.Fatalf("%s: %v\n%s", run.Run.Value, err, out)
	}
	c.t.Logf("%s\n%s", run.Run.Value, out)
}
