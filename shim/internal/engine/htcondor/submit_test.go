package htcondor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/txtar"

	"perch/shim/internal/engine"
)

// TestPathsThatCannotTravel are refused before any tool is asked.
func TestPathsThatCannotTravel(t *testing.T) {
	for _, path := range []string{"/home/a,b/state/perch_host_key", "/home/$HOME/perch_host_key"} {
		_, err := (&Engine{}).Submit(t.Context(), engine.Submission{JDL: "/a.jdl", HostKey: path})
		if err == nil || !strings.Contains(err.Error(), "set XDG_STATE_HOME") {
			t.Errorf("%s: %v", path, err)
		}
	}
}

// TestAppended holds what Perch adds to a submit description. Each file has
// the ad that condor_submit's dry run printed, the submission, and the lines
// (UPDATE=1 writes these anew).
func TestAppended(t *testing.T) {
	files, err := filepath.Glob("testdata/appended/*.txt")
	if err != nil || len(files) < 3 {
		t.Fatalf("%d golden files, %v", len(files), err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			golden, err := txtar.ParseFile(file)
			if err != nil || len(golden.Files) != 3 {
				t.Fatalf("%d parts, not ad, submission and lines: %v", len(golden.Files), err)
			}
			said, count, err := parseDryRun(golden.Files[0].Data)
			if err != nil || count != 1 {
				t.Fatalf("%d jobs, %v", count, err)
			}
			var s engine.Submission
			if err := json.Unmarshal(golden.Files[1].Data, &s); err != nil {
				t.Fatal(err)
			}
			got := strings.Join(appended(said, s), "\n") + "\n"
			if os.Getenv("UPDATE") != "" {
				golden.Files[2].Data = []byte(got)
				if err := os.WriteFile(file, txtar.Format(golden), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(golden.Files[2].Data), got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
		})
	}
}

func TestOnWorkers(t *testing.T) {
	dir := t.TempDir()
	sif := filepath.Join(dir, "image.sif")
	if err := os.WriteFile(sif, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for image, want := range map[string]bool{
		"":                              false,
		"docker://debian:12":            false,
		"image.sif":                     false,
		sif:                             false, // can be sent, and may be unknown elsewhere
		dir:                             true,
		dir + "/not-here":               true,
		"/cvmfs/images.example.org/deb": true,
	} {
		if got := onWorkers(image); got != want {
			t.Errorf("onWorkers(%q) = %v, want %v", image, got, want)
		}
	}
}

func TestInputsExist(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "there"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		name    string
		said    ad
		missing string
	}{
		{"none", ad{}, ""},
		{"there", ad{"transferinput": `"there"`}, ""},
		{"there by its whole path", ad{"transferinput": `"` + dir + `/there"`}, ""},
		{"a directory", ad{"transferinput": `"` + dir + `/"`}, ""},
		{"a URL", ad{"transferinput": `"https://example.org/x, there"`}, ""},
		{"missing", ad{"transferinput": `"there, gone"`}, dir + "/gone"},
		{"below a file", ad{"transferinput": `"there/gone"`}, dir + "/there/gone"},
		{"the job's directory counts", ad{"iwd": `"/no/such/dir"`, "transferinput": `"there"`}, "/no/such/dir/there"},
	} {
		err := inputsExist(c.said, dir)
		if c.missing == "" && err != nil || c.missing != "" && (err == nil || !strings.Contains(err.Error(), "the input file "+c.missing+" does not exist")) {
			t.Errorf("%s: %v", c.name, err)
		}
	}
}

func TestLogOf(t *testing.T) {
	for _, c := range []struct {
		said ad
		want string
	}{
		{ad{}, "/state/user.log"},
		{ad{"userlog": `"/var/log/mine"`}, "/var/log/mine"},
		{ad{"userlog": `"mine"`}, "/jdls/mine"},
		{ad{"userlog": `"mine"`, "iwd": `"/work dir"`}, "/work dir/mine"},
	} {
		if got := logOf(c.said, "/jdls", "/state/user.log"); got != c.want {
			t.Errorf("%v: got %q, want %q", c.said, got, c.want)
		}
	}
}

func TestParseTerse(t *testing.T) {
	if got, err := parseTerse("12.0 - 12.0\n"); err != nil || got != "12.0" {
		t.Errorf("got %q, %v", got, err)
	}
	for _, out := range []string{"", "12.0 - 12.2\n", "12.0", "Submitting job(s).\n1 job(s) submitted to cluster 12.\n", "12.0 - 12.0\n13.0 - 13.0\n"} {
		if got, err := parseTerse(out); err == nil || !strings.Contains(err.Error(), "condor_q") {
			t.Errorf("%q: got %q, %v", out, got, err)
		}
	}
}

func FuzzTerse(f *testing.F) {
	f.Add("12.0 - 12.0\n")
	f.Add("1.0 - 1.1\n")
	f.Fuzz(func(t *testing.T, out string) {
		id, err := parseTerse(out)
		if err == nil && strings.TrimSpace(out) != id+" - "+id {
			t.Errorf("%q is read as %q", out, id)
		}
		if strings.Trim(id, "0123456789.") != "" {
			t.Errorf("a job is called %q", id)
		}
	})
}

func TestNotice(t *testing.T) {
	var got []string
	s := engine.Submission{Notice: func(line string) { got = append(got, line) }}
	notice(s, "\nWARNING: the line 'request_memry = 4 GB' was unused by condor_submit. Is it a typo?\nSubmitting job(s).\n")
	want := []string{"condor_submit: the line 'request_memry = 4 GB' was unused by condor_submit. Is it a typo?"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
	notice(engine.Submission{}, "WARNING: to nobody\n")
}
