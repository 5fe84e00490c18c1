package main

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"testing"

	"perch/tests/pool"
)

// run calls the command and returns its status and what it printed.
func run(t *testing.T, input string, args ...string) (int, string) {
	var out bytes.Buffer
	code := Run(t.Context(), args, strings.NewReader(input), &out, &out)
	return code, out.String()
}

func TestUsage(t *testing.T) {
	for _, args := range [][]string{{}, {"frobnicate"}, {"stop"}, {"stop", "25", "23"}, {"exec", "25", "alice"}} {
		if code, out := run(t, "", args...); code != 64 || out != usage {
			t.Errorf("%q: status %d, printed %q; want 64 and the usage", args, code, out)
		}
	}
}

func TestNoSuchPool(t *testing.T) {
	for _, args := range [][]string{{"stop", "25-none"}, {"exec", "25-none", "alice", "true"}, {"stop", ""}} {
		code, out := run(t, "", args...)
		if want := fmt.Sprintf("pool: there is no pool %q; start one\n", args[1]); code != 1 || out != want {
			t.Errorf("%q: status %d, printed %q; want 1, %q", args, code, out, want)
		}
	}
	if code, out := run(t, "", "start", "99"); code != 1 || !strings.Contains(out, "take one of [23 25]") {
		t.Errorf("start 99: status %d, printed %q; want 1 and the versions", code, out)
	}
}

// TestKeptPool keeps a pool over several calls of the command.
func TestKeptPool(t *testing.T) {
	pool.Requires(t, pool.Needs...)
	extra := t.TempDir() + "/extra.conf"
	if err := os.WriteFile(extra, []byte("PERCH_EXTRA = kept\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	name := fmt.Sprintf("25-kept%d", os.Getpid())
	t.Cleanup(func() {
		if p, err := pool.Open(name); err == nil {
			p.Stop() // where a step below has failed
		}
	})
	for _, step := range []struct {
		input string
		args  []string
		code  int
		out   string
	}{
		{"", []string{"start", name, extra}, 0, "/host is"},
		{"", []string{"start", name}, 1, "already up; stop it first"},
		{"", []string{"status"}, 0, name},
		{"", []string{"exec", name, "bob", "condor_config_val", "PERCH_EXTRA"}, 0, "kept"},
		{"7", []string{"exec", name, "bob", "sh", "-c", "read n; exit $n"}, 7, ""},
		{"", []string{"stop", name}, 0, ""},
		{"", []string{"stop", name}, 1, "there is no pool"},
	} {
		code, out := run(t, step.input, step.args...)
		if code != step.code || !strings.Contains(out, step.out) {
			t.Fatalf("%q: status %d, printed %q; want %d and %q", step.args, code, out, step.code, step.out)
		}
	}
}
