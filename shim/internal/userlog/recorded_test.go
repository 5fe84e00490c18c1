package userlog

import (
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perch/shim/internal/engine"
)

var update = flag.Bool("update", false, "rewrite the .want files from what the parser says")

// TestRecorded reads logs that HTCondor 25.14 wrote. testdata/README.md says
// how they came about.
func TestRecorded(t *testing.T) {
	logs, err := filepath.Glob("testdata/htcondor-25/*.log")
	if err != nil || len(logs) < 12 {
		t.Fatalf("got %d recorded logs, want at least 12 (%v)", len(logs), err)
	}
	for _, log := range logs {
		t.Run(filepath.Base(log), func(t *testing.T) {
			got := summary(readAll(t, log, ""))
			golden := strings.TrimSuffix(log, ".log") + ".want"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(string(want), got); diff != "" {
				t.Errorf("events differ (-want +got):\n%s", diff)
			}
		})
	}
}

func readAll(t *testing.T, path, job string) []Event {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	events, err := Read(f, job)
	if err != nil {
		t.Fatal(err)
	}
	return events
}

// summary prints what was understood of each event.
func summary(events []Event) string {
	var b strings.Builder
	for _, e := range events {
		fmt.Fprintf(&b, "%03d %s %s %q", int(e.Number), e.Job, e.Time.Format("2006-01-02 15:04:05.999"), e.Text)
		for _, field := range []struct {
			name  string
			value any
		}{
			{"host", e.Host}, {"slot", e.Slot}, {"scratch", e.Scratch}, {"reason", e.Reason}, {"code", e.Code},
			{"subcode", e.Subcode}, {"return", e.ReturnValue}, {"signal", e.Signal}, {"user", e.UserTime}, {"system", e.SystemTime},
		} {
			switch field.value {
			case "", 0, time.Duration(0):
			default:
				fmt.Fprintf(&b, "\n    %s: %v", field.name, field.value)
			}
		}
		fmt.Fprintf(&b, "\n    lines: %d\n", len(e.Lines))
	}
	return b.String()
}

func TestRecordedStates(t *testing.T) {
	const (
		noFile   = `Transfer input files failure at access point pool while sending files to execution point slot1_3@pool.perch.test. Details: 1 total failures: first failure: reading from file /home/alice/logs/nofile: (errno 2) No such file or directory`
		badImage = `Singularity test failed:FATAL:   exec /.singularity.d/actions/test failed: fork/exec /.singularity.d/actions/test: no such file or directory`
		scratch  = `/var/lib/condor/execute/dir_%d/scratch`
		byHand   = `via condor_rm (by user alice)`
	)
	at := func(clock string) time.Time {
		when, err := time.ParseInLocation(time.DateTime, "2026-11-24 "+clock, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		return when
	}
	for _, test := range []struct {
		log, job string
		events   int // how many are taken; 0: all
		want     State
	}{
		{"exit3", "1.0", 1, State{State: engine.Idle, Since: at("13:06:56")}},
		{"exit3", "1.0", 2, State{State: engine.Idle, Since: at("13:06:56"), Reason: "transferring input files"}},
		{"exit3", "1.0", 3, State{State: engine.Idle, Since: at("13:06:56"), Reason: "starting"}},
		{"exit3", "1.0", 4, State{State: engine.Running, Since: at("13:07:00"), Starts: 1, Scratch: fmt.Sprintf(scratch, 610)}},
		{"exit3", "1.0", 0, State{State: engine.Completed, Since: at("13:07:00"), Starts: 1, ReturnValue: 3}},
		{"killed", "2.0", 0, State{State: engine.Completed, Since: at("13:07:00"), Starts: 1, Signal: 9}},
		{"held", "3.0", 2, State{State: engine.Idle, Since: at("13:07:26"), Reason: "via condor_release (by user alice)"}},
		{"held", "3.0", 0, State{State: engine.Removed, Since: at("13:07:38"), Starts: 1, Reason: byHand}},
		{"missing", "4.0", 6, State{State: engine.Held, Since: at("13:06:59"), Reason: noFile, StarterErrors: 1,
			StarterError: "Failed to transfer files: SHADOW at 10.99.0.1 failed to send file(s) to <10.99.0.1:20369>: |Error: 1 total failures: first failure: reading from file /home/alice/logs/nofile: (errno 2) No such file or directory; STARTER failed to receive file(s) from <10.99.0.1:9618>"}},
		{"shared", "7.0", 0, State{State: engine.Completed, Since: at("13:07:01"), Starts: 1, ReturnValue: 5}},
		{"starter", "8.0", 10, State{State: engine.Running, Since: at("13:07:14"), Starts: 2, StarterErrors: 2, StarterError: badImage,
			Scratch: fmt.Sprintf(scratch, 713)}},
		{"starter", "8.0", 15, State{State: engine.Held, Since: at("13:07:26"), Starts: 2, StarterErrors: 2, StarterError: badImage,
			Reason: "via condor_hold (by user alice)"}},
		{"disconnected", "9.0", 6, State{State: engine.Running, Since: at("13:08:09"), Starts: 1, Scratch: fmt.Sprintf(scratch, 900),
			Reason: "Socket between submit and execute hosts closed unexpectedly"}},
		{"disconnected", "9.0", 7, State{State: engine.Idle, Since: at("13:08:26"), Starts: 1, Reason: "Job not found at execution machine"}},
		{"reconnected", "1.0", 14, State{State: engine.Running, Since: at("13:09:08"), Starts: 1, Scratch: fmt.Sprintf(scratch, 311)}},
	} {
		t.Run(fmt.Sprintf("%s %d", test.log, test.events), func(t *testing.T) {
			events := readAll(t, "testdata/htcondor-25/"+test.log+".log", test.job)
			if test.events > 0 {
				events = events[:test.events]
			}
			var got State
			for _, e := range events {
				got.Add(e)
			}
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("state differs (-want +got):\n%s", diff)
			}
		})
	}
}
