package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perch/ci/internal/report"
)

// Reports of several runs become one; what failed in any is said.
func TestReport(t *testing.T) {
	dir := t.TempDir()
	sound := []report.Image{{Image: "sound", Place: "runc", Results: []report.Result{{Check: "user", Status: report.OK}}}}
	broken := []report.Image{{Image: "broken", Place: "apptainer", Results: []report.Result{{Check: "user", Status: report.Fail, Detail: "it is root"}}}}
	write := func(name string, images []report.Image) string {
		var content bytes.Buffer
		if err := report.JSON(&content, images); err != nil {
			t.Fatal(err)
		}
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, content.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		return file
	}
	one, other, joined := write("1.json", sound), write("2.json", broken), filepath.Join(dir, "joined.json")
	run := func(want int, args ...string) (stdout, stderr string) {
		t.Helper()
		var out, err bytes.Buffer
		if code := Run(context.Background(), append([]string{"report"}, args...), nil, &out, &err); code != want {
			t.Errorf("%q: exit status %d, want %d: %s", args, code, want, &err)
		}
		return out.String(), err.String()
	}
	if out, _ := run(exitOK, one); out != "" {
		t.Errorf("of a sound image it says %q", out)
	}
	if out, _ := run(exitFailure, one, other, "--json", joined); out != "broken in apptainer: user: it is root\n" {
		t.Errorf("it says %q", out)
	}
	content, err := os.ReadFile(joined)
	if err != nil {
		t.Fatal(err)
	}
	var got []report.Image
	if err := json.Unmarshal(content, &got); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(append(sound, broken...), got); diff != "" {
		t.Error(diff)
	}
	if err := os.WriteFile(other, []byte("<testsuites/>"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, said := run(exitFailure, one, other); !strings.Contains(said, "2.json is no report of smoke --json: ") || strings.Count(said, "\n") != 1 {
		t.Errorf("of another file it says %q", said)
	}
}
