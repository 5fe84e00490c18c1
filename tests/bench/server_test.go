package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestCompare measures a little of all, with both servers.
func TestCompare(t *testing.T) {
	if testing.Short() && os.Getenv("CI") == "" {
		t.Skip("short tests start no servers; make test does")
	}
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	plan := serverPlan{Sequence: 2, Crowds: 1, Crowd: 2, Keys: 8, KeyRounds: 1, Size: 4, FarSize: 1, Copies: 1, FarCopies: 1, Far: 1, FarCrowds: 1, Starts: 2}
	c, err := compare(t.Context(), root, plan, 2*time.Second, t.Output())
	if err != nil {
		t.Fatal(err)
	}
	for _, table := range c.Tables {
		for _, row := range table.Rows {
			if len(row.Took) == 0 {
				t.Errorf("%s: nothing was measured for %s", table.Name, row.Way)
			}
		}
	}
	for _, h := range append(c.Memory, c.FarMemory...) {
		if h.With.Resident <= h.Base.Resident || h.With.Files <= h.Base.Files {
			t.Errorf("%s holds %+v, and with %d sessions %+v", h.Way, h.Base, h.Open, h.With)
		}
	}
	if trip := c.Line.RoundTrips.Median(); trip < 2*farLine.Delay.Seconds() {
		t.Errorf("the long line takes %v s there and back", trip)
	}
	if len(c.Soak.Failed) > 0 || len(c.Soak.Took) != 20 || len(c.Soak.Alone) != 2 || c.Soak.Fresh < 2 || c.Soak.Goroutines > c.Soak.Fresh {
		t.Errorf("the soak: %+v", c.Soak)
	}
	// So few bytes may take no tick of the processor's clock: "–".
	page, err := c.section()
	if err != nil || strings.Contains(page, "NaN") {
		t.Errorf("%v, or no number on the page:\n%s", err, page)
	}
}
