package command

import (
	"strings"
	"testing"
	"time"

	"perch/shim/internal/engine"
)

// hostile is a job whose ad somebody has edited.
func hostile() report {
	return reportOf(engine.Job{ID: "12.0", State: engine.Held, Since: time.Date(2026, 11, 24, 12, 0, 0, 0, time.Local),
		Name: "a\tb\x1b[2J", Reason: "no\nperch: all is well\x07", Notice: "it may run\r\nfor 8 h"}, "/home/alice/a.jdl")
}

func TestPrintReport(t *testing.T) {
	var out strings.Builder
	if err := hostile().print(&out); err != nil {
		t.Fatal(err)
	}
	got := out.String()
	if strings.Count(got, "\n") != 2 || strings.ContainsAny(got, "\x1b\x07\r\t") {
		t.Errorf("a terminal would be played with: %q", got)
	}
	for _, part := range []string{"job 12.0 held since 2026-11-24 12:00:00: no", "it may run"} {
		if !strings.Contains(got, part) {
			t.Errorf("no %q in %q", part, got)
		}
	}
}

func TestPrintTable(t *testing.T) {
	var out strings.Builder
	if err := printTable(&out, []report{hostile()}); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); strings.Count(got, "\n") != 2 || strings.ContainsAny(got, "\x1b\x07\r\t") || !strings.Contains(got, "held   2026-11-24 12:00:00  /home/alice/a.jdl") {
		t.Errorf("got %q", got)
	}
}

func TestPrintJSON(t *testing.T) {
	var out strings.Builder
	if err := printJSON(&out, hostile()); err != nil {
		t.Fatal(err)
	}
	if got := out.String(); !strings.Contains(got, `"job": "12.0"`) || strings.ContainsAny(got, "\x1b\x07\r\t") {
		t.Errorf("got %s", got)
	}
}
