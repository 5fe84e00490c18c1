package e2e

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
)

// brokenCarrier is one that takes connections and carries nothing, which keep
// finds out a minute later. Until then the job can be asked to end all the same.
func brokenCarrier(t *testing.T, p place) {
	target := p.jdl(t, "broken")
	p.ssh(t, target, "true")
	p.breakCarrier(t, p.job(t, target))
	r := p.run(t, "", "perch", "stop", "--grace", "2m", target)
	if r.code != 0 || !strings.Contains(r.stderr, "has ended") {
		t.Errorf("perch stop: exit status %d, %s", r.code, r.stderr)
	}
	if log := p.run(t, "", "perch", "logs", target).stdout; !strings.Contains(log, "return value 0") {
		t.Errorf("the job did not end with 0:\n%s", log)
	}
}

// breakCarrier stops the ssh of a job's carrier. The local engine has none, but
// a link, which is taken away.
func (p place) breakCarrier(t *testing.T, id string) {
	t.Helper()
	if !p.pool {
		said, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_RUNTIME_DIR"), "perch/*/carrier.json"))
		for _, file := range said {
			text, err := os.ReadFile(file)
			if err == nil && strings.Contains(string(text), `"`+id+`"`) {
				var sock string
				if sock, err = os.Readlink(filepath.Join(filepath.Dir(file), "sock")); err == nil {
					err = os.Remove(filepath.Join(filepath.Dir(file), sock))
				}
			}
			if err != nil {
				t.Fatal(err)
			}
		}
		return
	}
	stopped := 0
	for pid := range processes(func(line string) bool {
		return strings.Contains(line, "condor_ssh_to_job") && strings.HasSuffix(strings.TrimSpace(line), " "+id)
	}) {
		children, err := os.ReadFile(fmt.Sprintf("/proc/%d/task/%[1]d/children", pid))
		if err != nil {
			t.Fatal(err)
		}
		for child := range strings.FieldsSeq(string(children)) {
			if n, err := strconv.Atoi(child); err == nil && syscall.Kill(n, syscall.SIGSTOP) == nil {
				stopped++
			}
		}
	}
	if stopped == 0 {
		t.Fatal("the carrier has no ssh")
	}
}
