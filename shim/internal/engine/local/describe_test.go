package local

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A submit description that cannot work is refused in one line that says where
// and why, and no job stays behind.
func TestSubmitRefuses(t *testing.T) {
	s := newSite(t, "")
	s.write("file", "")
	for _, test := range []struct{ name, jdl, want string }{
		{"syntax", "log = x\nwhat is this\nqueue", `x.jdl, line 2: "what is this" is no line of a submit description, such as name = value`},
		{"three jobs", "queue 3", `x.jdl, line 1: "queue 3" means 3 jobs; a session wants exactly one, so write "queue" alone`},
		{"input missing", "\ntransfer_input_files = file, gone\nqueue", `x.jdl, line 2: the input file DIR/gone does not exist or cannot be read; mend transfer_input_files`},
		{"input by URL", "transfer_input_files = https://x/y\nqueue", `x.jdl, line 1: https://x/y needs a transfer plugin of HTCondor's; fetch the file yourself`},
		{"input twice", "transfer_input_files = file, ./file\nqueue", `x.jdl, line 1: the job would have two files called file; rename one`},
		{"input like a key", "transfer_input_files = perch_host_key\nqueue", `x.jdl, line 1: the job would have two files called perch_host_key; rename one`},
		{"output outside", "transfer_output_files = ../x\nqueue", `x.jdl, line 1: ../x does not lie in the job's scratch directory`},
		{"directory of the log", "log = gone/log\nqueue", `x.jdl, line 1: the directory of log = gone/log does not exist; make it`},
		{"directory of the output", "output = gone/out\nqueue", `x.jdl, line 1: the directory of output = gone/out does not exist; make it`},
		{"no input", "input = gone\nqueue", `x.jdl, line 1: opening the job's input: stat DIR/gone: no such file or directory`},
		{"initialdir", "initialdir = gone\nqueue", `x.jdl, line 1: the directory DIR/gone does not exist`},
		{"universe", "universe = parallel\nqueue", `x.jdl, line 1: universe = parallel needs HTCondor; the local engine runs vanilla, container and docker`},
		{"cores", "request_cpus = 1 + 1\nqueue", `x.jdl, line 1: request_cpus = 1 + 1 is not a whole number of at least 1; expressions need HTCondor`},
		{"no core", "request_cpus = 0\nqueue", `x.jdl, line 1: request_cpus = 0 is not a whole number of at least 1; expressions need HTCondor`},
		{"flag", "hold = maybe\nqueue", `x.jdl, line 1: hold = maybe is neither true nor false`},
		{"environment", "environment = \"A\"\nqueue", `x.jdl, line 1: reading environment: "A" is no NAME=value`},
		{"macros", "a = $(b)\nb = $(a)\nlog = $(a)\nqueue", `x.jdl, line 3: macros lead to each other for ever, or more than 32 deep`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, err := s.Submit(t.Context(), s.submission(test.jdl))
			if err == nil {
				t.Fatal("got no error")
			}
			got := strings.TrimPrefix(strings.ReplaceAll(err.Error(), s.dir, "DIR"), "DIR/")
			if got != test.want {
				t.Errorf("got  %s\nwant %s", got, test.want)
			}
		})
	}
	sub := s.submission("queue")
	sub.Entrypoint = filepath.Join(s.dir, "gone")
	if _, err := s.Submit(t.Context(), sub); err == nil || !strings.Contains(err.Error(), "there is no perch-entrypoint at ") {
		t.Errorf("no entrypoint: got %v", err)
	}
	sub = s.submission("queue")
	sub.JDL = filepath.Join(s.dir, "gone.jdl")
	if _, err := s.Submit(t.Context(), sub); err == nil || !strings.Contains(err.Error(), "gone.jdl: no such file or directory") {
		t.Errorf("no submit description: got %v", err)
	}
	q, err := openQueue()
	if err != nil {
		t.Fatal(err)
	}
	if jobs, err := s.Find(t.Context(), ""); err != nil || len(jobs) > 0 || len(q.clusters()) > 0 {
		t.Errorf("got jobs %v, %v, folders %v, want none", jobs, err, q.clusters())
	}
	if _, err := os.Stat(sub.Log); err == nil {
		t.Error("a user log was written")
	}
}

// An image that is not at hand is said to be not used, and no more than that.
func TestImageNotUsed(t *testing.T) {
	s := newSite(t, "")
	s.write("image.sif", "")
	for _, image := range []string{"docker://debian:12", "image.sif", "/cvmfs/not/there"} {
		s.notices = nil
		d, err := describe(t.Context(), s.submission("container_image = "+image+"\nexecutable = /opt/perch-entrypoint\ntransfer_executable = false\nqueue"), 1, "/job")
		if err != nil {
			t.Fatal(err)
		}
		if d.Image != "" || d.Program != "" || d.Executable != entrypoint {
			t.Errorf("%s: got image %q, program %q, executable %q, want Perch's own without image", image, d.Image, d.Program, d.Executable)
		}
		want := "the image " + image + " is not used: it is no directory on this machine; the job runs as plain processes of this machine"
		if len(s.notices) != 1 || s.notices[0] != want {
			t.Errorf("notices: got %q, want %q", s.notices, want)
		}
	}
}

func TestDefaults(t *testing.T) {
	s := newSite(t, "")
	sub := s.submission("job_max_vacate_time = 7\nqueue")
	d, err := describe(t.Context(), sub, 12, "/jobs/12")
	if err != nil {
		t.Fatal(err)
	}
	if d.Vacate != sub.Vacate || d.Cpus != 1 || d.Output != "/jobs/12/stdout" || d.Error != "/jobs/12/stderr" || d.Input != os.DevNull || d.Log != sub.Log || d.id() != "12.0" {
		t.Errorf("got %+v", d)
	}
	for _, absent := range []string{"PerchIdleTimeout", "PerchIdleConnected"} {
		if strings.Contains(d.Ad, absent) {
			t.Errorf("the ad has %s, which was to be left out", absent)
		}
	}
	sub.Vacate = 0
	if d, err = describe(t.Context(), sub, 12, "/jobs/12"); err != nil || d.Vacate.Seconds() != 7 {
		t.Errorf("job_max_vacate_time: got %v, %v, want 7s", d.Vacate, err)
	}
	sub.IdleTimeout, sub.IdleConnected = 0, 90e9
	sub.JDL = s.write("y.jdl", "+PerchIdleConnected = 3\nqueue")
	if d, err = describe(t.Context(), sub, 12, "/jobs/12"); err != nil || !strings.Contains(d.Ad, "PerchIdleTimeout = 0\n") || !strings.Contains(d.Ad, "PerchIdleConnected = 3\n") {
		t.Errorf("idle times: got %v, ad\n%s", err, d.Ad)
	}
}
