package report

import (
	"bytes"
	"flag"
	"os"
	"testing"
	"time"
)

var update = flag.Bool("update", false, "write the golden files")

// TestJUnit has a row of each kind, and what XML has to be kept from.
func TestJUnit(t *testing.T) {
	at := time.Date(2026, 11, 27, 9, 30, 0, 0, time.UTC)
	images := []Image{
		{Image: "debian12", Place: "runc", At: at, Results: []Result{
			{Check: "system", Status: OK, Detail: "Debian", Seconds: 0.25},
			{Check: "tools", Status: Fail, Detail: `missing: "tmux" <&>`, Seconds: 1},
			{Check: "locale", Status: Limit, Detail: "static programs know none", Seconds: 0.5},
			{Check: "VS Code server", Status: Skip, Detail: "no archive was given"},
		}},
		{Image: "minimal", Place: "htcondor", At: at, Results: []Result{{Check: "system", Status: OK}}},
	}
	var got bytes.Buffer
	if err := JUnit(&got, images); err != nil {
		t.Fatal(err)
	}
	const golden = "testdata/junit.xml"
	if *update {
		if err := os.WriteFile(golden, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil || got.String() != string(want) {
		t.Errorf("%v: got\n%s\nwant\n%s", err, &got, want)
	}
}
