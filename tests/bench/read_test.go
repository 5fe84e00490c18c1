package main

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"
)

func TestSince(t *testing.T) {
	log := filepath.Join(t.TempDir(), "user.log")
	write := func(text string) {
		if err := os.WriteFile(log, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("000 (001.000.000) 2026-11-24 14:31:00.000 Job submitted from host: <h>\n...\n" +
		"001 (001.000.000) 2026-11-24 14:31:02.250 Job executing on host: <h>\n...\n" +
		"001 (001.000.000) 2026-11-24 14:31:04.500 Job executing on host: <h>\n...\n")
	then := time.Date(2026, 11, 24, 14, 31, 6, 0, time.Local)
	if got, err := since(log, then); err != nil || math.Abs(got.took-1.5) > 1e-9 {
		t.Errorf("got %v, %v; want 1.5", got, err)
	}
	write("001 (001.000.000) 2026-11-24 14:31:02 Job executing on host: <h>\n...\n")
	if got, err := since(log, then); err == nil {
		t.Errorf("whole seconds give %v and no error", got)
	}
}

func TestBusyTicks(t *testing.T) {
	const stat = "7 (a ) b) S 1 7 7 0 -1 4194304 1 2 3 5 100 20 3 4 20 0 1 0 5 6 7"
	if got := busyTicks(stat); got != 127 {
		t.Errorf("got %d, want 127", got)
	}
	if got := busyTicks(""); got != 0 {
		t.Errorf("an ended process: got %d", got)
	}
}

func TestHashIn(t *testing.T) {
	if got := hashIn("/home/alice/.local/state/perch/jobs/a-b-0123abcd/ssh_config"); got != "0123abcd" {
		t.Errorf("got %q", got)
	}
}
