package conformance

import (
	"os"
	"regexp"
	"strings"
	"testing"
)

// states are what may stand at the beginning of a row's last cell, and whether
// such a row has a test.
var states = map[string]bool{"passes": true, "differs: ": true, "does not concern a job: ": false, "does not concern this page: ": false}

var scriptName = regexp.MustCompile("^`([a-z0-9-]+)`$")

// TestPage holds docs/conformance.md to the tests: each row that says that
// something is tried has its test, and each test its row.
func TestPage(t *testing.T) {
	text, err := os.ReadFile("../../docs/conformance.md")
	if err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		row := strings.Split(strings.Trim(strings.TrimSpace(line), "|"), " | ")
		m := scriptName.FindStringSubmatch(strings.TrimSpace(row[0]))
		if m == nil {
			continue
		}
		name := m[1]
		if len(row) != 3 || seen[name] {
			t.Errorf("%s: a row has three cells, and a script one row; got %q", name, row)
			continue
		}
		seen[name] = true
		checkRow(t, name, strings.TrimSpace(row[1]), strings.TrimSpace(row[2]))
	}
	for name := range ideas {
		if !seen[name] {
			t.Errorf("docs/conformance.md has no row for %s", name)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d rows were looked at", len(seen))
	}
}

func checkRow(t *testing.T, name, tried, state string) {
	t.Helper()
	for begin, tested := range states {
		if !strings.HasPrefix(state, begin) || strings.HasSuffix(begin, ": ") == (state == begin) {
			continue
		}
		if _, has := ideas[name]; has != tested || tested != (tried != "" && tried != "–") {
			t.Errorf("%s: the row says %q and %q; a test: %v", name, tried, state, has)
		}
		return
	}
	t.Errorf("%s: %q is no state", name, state)
}
