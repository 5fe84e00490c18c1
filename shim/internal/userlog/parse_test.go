package userlog

import (
	"strings"
	"testing"
	"testing/iotest"
	"time"

	"github.com/google/go-cmp/cmp"
)

const started = "001 (012.000.000) 2026-11-24 11:37:34 Job executing on host: <h>\n\tSlotName: slot1\n\tCondorScratchDir = \"/s/dir_1\"\n...\n"

func TestReadRecords(t *testing.T) {
	long := strings.Repeat("x", maxRecord)
	for _, test := range []struct {
		name, log string
		want      []Number
	}{
		{"empty", "", nil},
		{"one", started, []Number{Execute}},
		{"unknown kind", "097 (012.000.000) 2026-11-24 11:37:34 Something new.\n...\n", []Number{97}},
		{"half of the last record", started + started[:len(started)-1], []Number{Execute}},
		{"half without dots", started + "005 (012.000.000) 2026-11-24 11:37:34 Job term", []Number{Execute}},
		{"dots inside of a line", "009 (012.000.000) 2026-11-24 11:37:34 Job was aborted.\n\tand ...\n...\n", []Number{Aborted}},
		{"record after an unfinished one", "005 (012.000.000) 2026-11-24 11:37:34 Job term\n" + started, []Number{Execute}},
		{"garbage", "\x00\xff\n...\n...\n\n...\n" + started, []Number{Execute}},
		{"XML", "<c>\n<a n=\"MyType\"><s>SubmitEvent</s></a>\n</c>\n", nil},
		{"impossible time", "001 (012.000.000) 2026-13-24 11:37:34 Job executing\n...\n", nil},
		{"too long", "009 (012.000.000) 2026-11-24 11:37:34 Job was aborted.\n\t" + long + "\n...\n" + started, []Number{Execute}},
		{"other job", "001 (013.000.000) 2026-11-24 11:37:34 Job executing\n...\n" + started, []Number{Execute}},
		{"other process", "001 (012.001.000) 2026-11-24 11:37:34 Job executing\n...\n" + started, []Number{Execute}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := numbers(t, strings.NewReader(test.log).Read)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("events differ (-want +got):\n%s", diff)
			}
			if test.name == "too long" {
				return // a byte at a time is slow
			}
			got = numbers(t, iotest.OneByteReader(strings.NewReader(test.log)).Read)
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("events differ when read by the byte (-want +got):\n%s", diff)
			}
		})
	}
}

type readFunc func([]byte) (int, error)

func (f readFunc) Read(p []byte) (int, error) { return f(p) }

func numbers(t *testing.T, read readFunc) []Number {
	t.Helper()
	events, err := Read(read, "12.0")
	if err != nil {
		t.Fatal(err)
	}
	var numbers []Number
	for _, e := range events {
		numbers = append(numbers, e.Number)
	}
	return numbers
}

func TestParseTime(t *testing.T) {
	now := time.Date(2027, 1, 2, 12, 0, 0, 0, time.Local)
	local := func(year, month, day, nano int) time.Time {
		return time.Date(year, time.Month(month), day, 11, 37, 34, nano, time.Local)
	}
	for _, test := range []struct {
		date, clock string
		want        time.Time
	}{
		{"2026-11-24", "11:37:34", local(2026, 11, 24, 0)},
		{"2026-11-24", "11:37:34.851", local(2026, 11, 24, 851e6)},
		{"2026-11-24", "11:37:34Z", time.Date(2026, 11, 24, 11, 37, 34, 0, time.UTC).Local()},
		{"01/02", "11:37:34", local(2027, 1, 2, 0)},
		{"11/24", "11:37:34", local(2026, 11, 24, 0)}, // last year's
		{"11/24", "11:37:34.5", local(2026, 11, 24, 500e6)},
		{"11/24/26", "11:37:34", local(2026, 11, 24, 0)},
	} {
		got, ok := parseTime(test.date, test.clock, now)
		if !ok || !got.Equal(test.want) {
			t.Errorf("parseTime(%q, %q): got %v, %v, want %v", test.date, test.clock, got, ok, test.want)
		}
	}
	for _, bad := range []string{"", "11:37", "25:00:00", "11:37:34+1"} {
		if got, ok := parseTime("2026-11-24", bad, now); ok {
			t.Errorf("parseTime of clock %q: got %v, want a refusal", bad, got)
		}
	}
}

// Event 004 of HTCondor 23.9 has neither code nor reason.
func TestEvictedByOldVersion(t *testing.T) {
	log := "004 (012.000.000) 2026-11-24 11:37:34 Job was evicted.\n\t(0) CPU times\n" +
		"\t\tUsr 1 02:03:04, Sys 0 00:00:05  -  Run Remote Usage\n...\n"
	events, err := Read(strings.NewReader(log), "")
	if err != nil || len(events) != 1 {
		t.Fatalf("got %v, %v, want one event", events, err)
	}
	got := events[0]
	if got.Reason != "" || got.Code != 0 || got.UserTime != 26*time.Hour+3*time.Minute+4*time.Second || got.SystemTime != 5*time.Second {
		t.Errorf("got %+v, want no reason, no code, 26h3m4s and 5s", got)
	}
}
