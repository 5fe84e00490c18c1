package pipelines

import (
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/google/go-cmp/cmp"

	"perch/images"
	"perch/tests/session"
)

func TestMain(m *testing.M) { os.Exit(session.Main(m)) }

// root is the repository, as seen from here.
const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func all(t *testing.T) []Pipeline {
	t.Helper()
	pipelines, err := Read(root)
	if err != nil {
		t.Fatal(err)
	}
	return pipelines
}

// tracked are the files that git knows, or would.
func tracked(t *testing.T) []string {
	t.Helper()
	// The checkout may belong to somebody else, as in a CI's container.
	out, err := exec.Command("git", "-c", "safe.directory=*", "-C", root, "ls-files", "-z", "-co", "--exclude-standard").Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimRight(string(out), "\x00"), "\x00")
}

// idle are the filters that no file matches.
func idle(filters, files []string) (idle []string) {
	for _, f := range filters {
		pattern := strings.TrimPrefix(f, "!")
		if !slices.ContainsFunc(files, func(file string) bool { return doublestar.MatchUnvalidated(pattern, file) }) {
			idle = append(idle, f)
		}
	}
	return idle
}

// TestFilters: a filter that matches nothing is one that has missed a move, and
// what lies there now is built no more.
func TestFilters(t *testing.T) {
	files, seen := tracked(t), 0
	for _, p := range all(t) {
		for _, filter := range p.Filters {
			seen += len(filter)
			for _, f := range idle(filter, files) {
				t.Errorf("%s: the path filter %s matches no file", p.File, f)
			}
			if diff := cmp.Diff(p.Filters[0], filter); diff != "" {
				t.Errorf("%s: two of its filters differ:\n%s", p.File, diff)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d filters were looked at", seen)
	}
}

func TestFiltersThatMatchNothing(t *testing.T) {
	files := []string{"go.mod", "images/catalog.json", "images/debian12/Containerfile", ".github/workflows/ci.yml"}
	filters := []string{"go.mod", "images/**", "image/**", "images/*/Containerfile", "*/Containerfile", "!images/**/*.md", ".github/**", "**/*.yaml"}
	want := []string{"image/**", "*/Containerfile", "!images/**/*.md", "**/*.yaml"}
	if diff := cmp.Diff(want, idle(filters, files)); diff != "" {
		t.Errorf("match nothing (-want +got):\n%s", diff)
	}
}

// foreign says what a line does beside calling make or perch-ci, or "".
func foreign(line string) string {
	if !regexp.MustCompile(`^(make|bin/perch-ci) `).MatchString(line) {
		return "it calls neither make nor bin/perch-ci"
	}
	rest := strings.ReplaceAll(line, `>>"$GITHUB_OUTPUT"`, "")
	if strings.ContainsAny(rest, ";&|<>`") || strings.Contains(rest, "$(") {
		return "it calls more than that"
	}
	return ""
}

// TestOnlyCalls: what a pipeline does can be done by hand, and is tested here.
func TestOnlyCalls(t *testing.T) {
	for _, p := range all(t) {
		for _, line := range p.Commands {
			if reason := foreign(line); reason != "" {
				t.Errorf("%s: %q: %s", p.File, line, reason)
			}
		}
	}
	for line, ok := range map[string]bool{
		"make lint": true, `bin/perch-ci catalog --names >>"$GITHUB_OUTPUT"`: true, `bin/perch-ci push a "$B:latest"`: true,
		"go test ./...": false, "make lint; curl x": false, "make lint && rm x": false, "bin/perch-ci diff a b | mail": false,
		"bin/perch-ci push $(date)": false, "bin/perch-ci diff a b >/etc/x": false, "makefile x": false, "cosign sign x": false,
	} {
		if reason := foreign(line); (reason == "") != ok {
			t.Errorf("%q: %s", line, reason)
		}
	}
}

// TestJobsAreBounded: each job says how long it may take and what it may do.
func TestJobsAreBounded(t *testing.T) {
	jobs := 0
	for _, p := range all(t) {
		if p.Workflow == nil {
			continue
		}
		if top := p.Workflow.Permissions; top == nil || top.All != nil || len(top.Scopes) > 0 {
			t.Errorf("%s: permissions are not {} at the top", p.File)
		}
		if p.Workflow.Concurrency == nil {
			t.Errorf("%s says nothing of concurrency", p.File)
		}
		for name, job := range p.Workflow.Jobs {
			jobs++
			if job.TimeoutMinutes == nil || job.Permissions == nil || job.Permissions.All != nil {
				t.Errorf("%s: the job %s does not say timeout-minutes, or which permissions", p.File, name)
			}
		}
	}
	if jobs < 4 {
		t.Errorf("there are %d jobs", jobs)
	}
}

var pinned = regexp.MustCompile(`^([\w./-]+)@[0-9a-f]{40} # (v[0-9.]+)$`)

// TestPins: actions are pinned by hash, and all that is taken from others stands
// in the list that sites read, which has nothing else.
func TestPins(t *testing.T) {
	taken := map[string]bool{}
	for _, p := range all(t) {
		for _, action := range p.Actions {
			m := pinned.FindStringSubmatch(action)
			if m == nil {
				t.Errorf("%s: %q is not pinned by a hash, with its version behind it", p.File, action)
				continue
			}
			taken[m[1]+" "+m[2]] = true
		}
		for _, image := range p.Images {
			taken[image+" "] = true
		}
	}
	listed := regexp.MustCompile("(?m)^\\| `([^`]+)` \\|([^|]*)\\|([^|]*)\\|([^|]*)\\|$").FindAllStringSubmatch(pinList(t), -1)
	var wanted []string
	for _, row := range listed {
		wanted = append(wanted, row[1]+" "+strings.TrimSpace(row[2]))
	}
	slices.Sort(wanted)
	if diff := cmp.Diff(slices.Sorted(maps.Keys(taken)), wanted); diff != "" {
		t.Errorf("taken from others (-in the pipelines +in images/README.md):\n%s", diff)
	}
}

func pinList(t *testing.T) string {
	t.Helper()
	_, list, found := strings.Cut(read(t, "images/README.md"), "\n### What they take from others\n")
	if !found {
		t.Fatal("images/README.md has no list of what is pinned")
	}
	list, _, _ = strings.Cut(list, "\n## ")
	return list
}

// TestAllEnvironments: the list for GitLab is the catalogue's; GitHub's is made
// by perch-ci.
func TestAllEnvironments(t *testing.T) {
	catalogue, err := images.Catalog("")
	if err != nil {
		t.Fatal(err)
	}
	var names, listed []string
	for _, e := range catalogue {
		names = append(names, e.Name)
	}
	for _, m := range regexp.MustCompile(`(?m)^ +environment: (\S+)$`).FindAllStringSubmatch(read(t, "ci/gitlab/images.yml"), -1) {
		listed = append(listed, m[1])
	}
	if diff := cmp.Diff(names, listed); diff != "" {
		t.Errorf("ci/gitlab/images.yml (-catalogue +listed):\n%s", diff)
	}
}
