package userlog

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// What Format writes of a recorded event is what HTCondor wrote, but for what
// Perch does not know: the sizes of the slot and the table of resources.
func TestFormatAsRecorded(t *testing.T) {
	compared := 0
	for _, name := range []string{"exit3", "killed", "rm", "starter", "missing", "held"} {
		path := "testdata/htcondor-25/" + name + ".log"
		whole, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		records := strings.SplitAfter(string(whole), separator)
		for i, e := range readAll(t, path, "") {
			got, err := Format(e)
			if err != nil {
				continue // a kind that the local engine does not write
			}
			compared++
			if diff := cmp.Diff(withoutSizes(records[i]), withoutSizes(string(got))); diff != "" {
				t.Errorf("%s, record %d (-HTCondor's +ours):\n%s", name, i, diff)
			}
		}
	}
	if compared < 20 {
		t.Errorf("compared %d records, want at least 20", compared)
	}
}

func withoutSizes(record string) string {
	var kept strings.Builder
	for line := range strings.Lines(record) {
		table := strings.Contains(line, "Resources :") || strings.Contains(line, ")     :") || strings.Contains(line, "  :  ")
		size := strings.HasPrefix(line, "\tCpus =") || strings.HasPrefix(line, "\tDisk =") || strings.HasPrefix(line, "\tGPUs =") || strings.HasPrefix(line, "\tMemory =")
		if !table && !size {
			kept.WriteString(line)
		}
	}
	return kept.String()
}

func TestAppend(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	when := time.Date(2026, 11, 24, 11, 37, 34, 0, time.Local)
	want := []Event{
		{Number: Submit, Job: "12.0", Time: when, Host: "<local>"},
		{Number: Held, Job: "12.0", Time: when, Reason: "via perch", Code: 1, Subcode: 2},
		{Number: Released, Job: "12.0", Time: when, Reason: "go"},
		{Number: Execute, Job: "12.0", Time: when, Host: "<local>", Slot: "slot1", Scratch: `/s/a "b\c`},
		{Number: RemoteError, Job: "12.0", Time: when, Host: "slot1", Reason: "no such image"},
		{Number: Evicted, Job: "12.0", Time: when, Reason: "line\n...\n009 x"},
		{Number: Terminated, Job: "12.0", Time: when, Signal: 15, UserTime: 90061 * time.Second},
		{Number: Aborted, Job: "1234.5", Time: when, Reason: "..."},
	}
	for _, e := range want {
		if err := Append(path, e); err != nil {
			t.Fatal(err)
		}
	}
	want[5].Reason = "line ... 009 x"
	got := readAll(t, path, "")
	if diff := cmp.Diff(want, got, cmpopts.IgnoreFields(Event{}, "Text", "Lines")); diff != "" {
		t.Errorf("events differ (-want +got):\n%s", diff)
	}
}

func TestFormatRefuses(t *testing.T) {
	for _, e := range []Event{{Number: 97, Job: "1.0"}, {Number: Submit, Job: "x"}, {Number: Submit}} {
		if got, err := Format(e); err == nil {
			t.Errorf("Format(%+v): got %q, want an error", e, got)
		}
	}
}

func FuzzFormat(f *testing.F) {
	f.Add(12, "via perch stop", "/scratch/dir_1", 0, 0)
	f.Add(9, "a\n...\n000 (001.000.000) 2026-11-24 11:37:34 x", `a"b\`, -3, 4)
	f.Fuzz(func(t *testing.T, kind int, reason, scratch string, code, signal int) {
		e := Event{Number: Number(kind), Job: "12.0", Time: time.Unix(1795520254, 0), Host: "h", Slot: "s",
			Reason: reason, Scratch: scratch, Code: code, ReturnValue: code, Signal: signal}
		record, err := Format(e)
		if err != nil {
			return
		}
		events, err := Read(bytes.NewReader(record), "12.0")
		if err != nil || len(events) != 1 {
			t.Fatalf("got %v, %v from %q, want one event", events, err, record)
		}
		got := events[0]
		if got.Number != e.Number || !got.Time.Equal(e.Time) {
			t.Errorf("got %+v from %q", got, record)
		}
		again, err := Format(got)
		if err != nil || !bytes.Equal(again, record) && code >= -1e9 && code <= 1e9 && signal >= 0 && signal < 1000 && len(reason) < 1000 && reason != "" {
			t.Errorf("got %q when written again, want %q", again, record)
		}
	})
}

func FuzzRead(f *testing.F) {
	logs, _ := filepath.Glob("testdata/htcondor-25/*.log")
	if len(logs) == 0 {
		f.Fatal("no seeds")
	}
	for _, log := range logs {
		seed, err := os.ReadFile(log)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, log []byte) {
		events, err := Read(bytes.NewReader(log), "")
		if err != nil {
			t.Fatal(err)
		}
		var state State
		for _, e := range events {
			state.Add(e)
			if strings.Contains(e.Text+e.Reason+e.Scratch, "\n") {
				t.Errorf("a field with a line end: %+v", e)
			}
		}
		_ = state.String()
		// A log that goes on delivers the same events first.
		more, err := Read(bytes.NewReader(append(append([]byte("\n...\n"), log...), "\n...\n"...)), "")
		if err != nil || len(more) < len(events) || !cmp.Equal(more[:len(events)], events, cmpopts.EquateEmpty()) {
			t.Errorf("got %d events of the longer log, want these %d first", len(more), len(events))
		}
	})
}
