package main

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestParentIn(t *testing.T) {
	if got := parentIn("7 (a ) b) S 12 7 7 0"); got != 12 {
		t.Errorf("got %d, want 12", got)
	}
	if got := parentIn(""); got != 0 {
		t.Errorf("an ended process: got %d", got)
	}
}

func TestParseBenchmarks(t *testing.T) {
	const out = "goos: linux\nBenchmarkPrepare-2   \t      20\t   1500000 ns/op\nBenchmarkLinkServer  20  2e9 ns/op\nBenchmarkCheck/all-16 \t 20 \t 250.5 ns/op\t 8 B/op\nok\n"
	want := []benchmark{{"Prepare", 0.0015}, {"Check/all", 250.5e-9}}
	if diff := cmp.Diff(want, parseBenchmarks(out)); diff != "" {
		t.Error(diff)
	}
}

func TestP99(t *testing.T) {
	values := make(Values, 200)
	for i := range values {
		values[i] = float64(200 - i)
	}
	if got := values.P99(); got != 198 {
		t.Errorf("got %v, want 198", got)
	}
}

// TestSection has numbers of which each verdict is known.
func TestSection(t *testing.T) {
	pair := func(name string, ours, theirs float64) Table {
		return Table{name, []Series{{byEntrypoint, Values{ours}, Values{1}}, {byOpenSSH, Values{theirs}, Values{2}}}}
	}
	c := &comparison{Plan: usualServerPlan,
		Tables: []Table{pair(tableSequence, 0.05, 0.06), pair(tableParallel, 2, 1), pair(tableEcho, 0.0011, 0.001),
			pair(tableCopy(kindPipe, goesDown), 2, 1), pair(tableCopy(kindPipe, goesUp), 1, 0.95)},
		Memory: []held{{byEntrypoint, 50, state{Resident: 10e6}, state{Resident: 60e6}}},
		Bench:  []benchmark{{"Prepare", 0.004}},
		Soak: &soaked{Length: time.Minute, Took: Values{0.1}, Failed: []string{"lost"}, Alone: Values{0.01},
			States: []state{{}, {Resident: 100, Files: 7}, {Resident: 101, Files: 8}}, Goroutines: 12, Fresh: 11}}
	page, err := c.section()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"in a new connection: perch-entrypoint / sshd | 0.83 | at most 1.00 | reached |",
		"50 of them at once: perch-entrypoint / sshd | 2.00 | at most 1.00 | **short** |",
		"a key, idle, p50: perch-entrypoint / sshd | 1.10 | at most 1.20 | reached |",
		"rate, pipe down: perch-entrypoint / sshd | 0.50 | at least 1.00 | **short** |",
		"rate, pipe up: perch-entrypoint / sshd | 0.95 | at least 0.90 | reached |",
		"memory without sessions | 10.00 MB | at most 20.00 MB | reached |",
		"memory for each idle session | 1.00 MB | at most 1.00 MB | reached |",
		"50 of them at once over the long line: perch-entrypoint / sshd | – | at most 1.00 | **short** |",
		"BenchmarkPrepare | 4 ms | at most 50 ms | reached |",
		"soak: sessions that failed | 1.00 | at most 0.00 | **short** |",
		"soak: growth of memory, as a share | 0.01 | at most 0.05 | reached |",
		"soak: growth of descriptors | 1.00 | at most 0.00 | **short** |",
		"soak: growth of goroutines | 1.00 | at most 0.00 | **short** |",
		"| pipe down | 268 | 537 | 0.50 | 1.86 | 3.73 | 1 |",
		"| perch-entrypoint | 10.0 | 60.0 | 1.00 |",
		"The first failure: `lost`",
		"(`ssh -G`): p50 10 ms, p95 10 ms, p99 10 ms; p99 / p50 1.00.",
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the section lacks %q", want)
		}
	}
	if t.Failed() {
		t.Log(page)
	}
}

func TestMissingComparisonIsShort(t *testing.T) {
	for _, target := range (comparison{}).targets() {
		if target.reached() {
			t.Errorf("%s: reached without a measurement", target.what)
		}
	}
	var none *comparison
	if section, err := none.section(); section != "" || err != nil {
		t.Errorf("no comparison gives %q, %v", section, err)
	}
}
