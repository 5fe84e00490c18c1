package htcondor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// dryRun is what condor_submit -dry-run printed on a real submit host.
func dryRun(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "dryrun", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseDryRun(t *testing.T) {
	for name, jobs := range map[string]int{"plain-25.14.txt": 1, "three-25.14.txt": 3, "rich-25.14.txt": 1, "rich-23.9.txt": 1} {
		a, count, err := parseDryRun(dryRun(t, name))
		if err != nil || count != jobs {
			t.Errorf("%s: %d jobs, %v; want %d", name, count, err, jobs)
		}
		if got := a.text("Owner"); got != "" || a.has("Owner") {
			t.Errorf("%s: an undefined attribute is %q", name, got)
		}
		if !a.has("CMD") || a.text("cmd") == "" {
			t.Errorf("%s has no Cmd", name)
		}
	}
}

// TestRichAd looks at both versions' reading of one submit description.
func TestRichAd(t *testing.T) {
	for _, name := range []string{"rich-23.9.txt", "rich-25.14.txt"} {
		a, _, err := parseDryRun(dryRun(t, name))
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{}
		for _, attr := range []string{"Cmd", "ContainerImage", "EncryptInputFiles", "Note", "TransferOutput"} {
			got[attr] = a.text(attr)
		}
		want := map[string]string{
			"Cmd":               "/usr/local/bin/perch-entrypoint",
			"ContainerImage":    "/images/deb12.sb",
			"EncryptInputFiles": "in1",
			"Note":              `a "quoted" word, and a back\slash`,
			"TransferOutput":    "out",
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff([]string{"in1", "dir/in2", "http://example.org/x"}, a.list("TransferInput")); diff != "" {
			t.Errorf("%s, TransferInput (-want +got):\n%s", name, diff)
		}
		if !a.isFalse("TransferExecutable") || a.isFalse("WantContainer") || a.isFalse("NotThere") {
			t.Errorf("%s: booleans are misread", name)
		}
		if !a.has("PerchIdleTimeout") || a.text("PerchIdleTimeout") != "" {
			t.Errorf("%s: a number is misread", name)
		}
	}
}

func TestAdText(t *testing.T) {
	for value, want := range map[string]string{
		`"a"`:         "a",
		`""`:          "",
		`"`:           "",
		`a`:           "",
		`1 + "a"`:     "",
		`"a\"b"`:      `a"b`,
		`"C:\dir"`:    `C:\dir`,
		`undefined`:   "",
		`strcat("a")`: "",
	} {
		if got := (ad{"x": value}).text("X"); got != want {
			t.Errorf("text of %s: got %q, want %q", value, got, want)
		}
	}
}

func TestDryRunLineTooLong(t *testing.T) {
	if _, _, err := parseDryRun([]byte("A=" + strings.Repeat("x", maxLine+1))); err == nil {
		t.Error("a line of more than 1 MiB was taken")
	}
}

func FuzzDryRun(f *testing.F) {
	for _, name := range []string{"three-25.14.txt", "rich-23.9.txt"} {
		f.Add(dryRun(f, name))
	}
	f.Add([]byte("=\nA\nB=\nProcId=0\nprocid=\"\\\"\"\nX=\"a\\"))
	f.Fuzz(func(t *testing.T, data []byte) {
		a, count, err := parseDryRun(data)
		if err != nil {
			return
		}
		if lines := strings.Count(string(data), "\n") + 1; count > lines || len(a) > lines {
			t.Errorf("%d jobs and %d attributes in %d lines", count, len(a), lines)
		}
		for name, value := range a {
			if name != strings.ToLower(name) || name == "" {
				t.Errorf("an attribute is called %q", name)
			}
			if text := a.text(name); len(text) > len(value) {
				t.Errorf("the text of %q is longer: %q", value, text)
			}
			for _, item := range a.list(name) {
				if item == "" || strings.Contains(item, ",") {
					t.Errorf("%q has an item %q", value, item)
				}
			}
		}
	})
}
