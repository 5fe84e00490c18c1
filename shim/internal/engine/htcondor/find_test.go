package htcondor

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"perch/shim/internal/engine"
)

func recordedQueue(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", "queue", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func TestParseQueue(t *testing.T) {
	for name, want := range map[string][]engine.Job{
		"23.9.json": {
			{ID: "1.0", State: engine.Held, Target: "00112233445566aa", Name: "plain", Key: "SHA256:abc",
				Log: "/tmp/rec/user.log", Reason: "via condor_hold (by user alice)"},
		},
		"25.14.json": {
			{ID: "17.0", State: engine.Running, Target: "00112233445566aa", Name: "plain", Key: "SHA256:abc",
				Log: "/home/alice/rec/user.log"},
			{ID: "18.0", State: engine.Held, Target: "00112233445566bb", Name: "held",
				Log: "/home/alice/rec/rel.log", Reason: "submitted on hold at user's request"},
			{ID: "19.0", State: engine.Idle, Target: "00112233445566cc", Name: "nomatch", Reason: "no match found"},
			// This one's name is an expression and its key a number.
			{ID: "20.0", State: engine.Held, Target: "00112233445566dd",
				Reason: "submitted on hold at user's request", Notice: `it "may" run, for 8 h`},
		},
	} {
		got, err := parseQueue(recordedQueue(t, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		for i := range got {
			if got[i].Since.Year() != 2026 {
				t.Errorf("%s: job %s since %v", name, got[i].ID, got[i].Since)
			}
			got[i].Since = time.Time{}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestParseQueueOdd(t *testing.T) {
	for _, c := range []struct {
		name, in string
		want     []engine.Job
		wrong    bool
	}{
		{name: "nothing", in: ""},
		{name: "blanks", in: " \n\n"},
		{name: "empty list", in: "[\n]\n", want: []engine.Job{}},
		{name: "no list", in: `{"ClusterId": 1}`, wrong: true},
		{name: "list of numbers", in: `[1]`, wrong: true},
		{name: "cut off", in: `[{"ClusterId": 1,`, wrong: true},
		{name: "a tool's words", in: "Failed to connect to schedd", wrong: true},
		{name: "a number that is an option", in: `[{"ClusterId": -1, "ProcId": 0}]`, want: []engine.Job{}},
		{name: "no number", in: `[{"ProcId": 0}, {"ClusterId": "x", "ProcId": 1}]`, want: []engine.Job{}},
		{name: "relative log", in: `[{"ClusterId": 1, "ProcId": 2, "Iwd": "/home/alice", "UserLog": "a/../l"}]`,
			want: []engine.Job{{ID: "1.2", Log: "/home/alice/l", Since: time.Unix(0, 0)}}},
		{name: "evicted", in: `[{"ClusterId": 1, "ProcId": 0, "JobStatus": 1, "NumJobStarts": 1}]`,
			want: []engine.Job{{ID: "1.0", State: engine.Idle, Evicted: true, Since: time.Unix(0, 0)}}},
		{name: "status unknown", in: `[{"ClusterId": 1, "ProcId": 0, "JobStatus": 99}]`,
			want: []engine.Job{{ID: "1.0", State: 99, Since: time.Unix(0, 0)}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := parseQueue([]byte(c.in))
			if (err != nil) != c.wrong {
				t.Fatalf("error %v", err)
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("-want +got:\n%s", diff)
			}
			if err != nil && !strings.Contains(err.Error(), "look at condor_q -json") {
				t.Errorf("the error has no hint: %v", err)
			}
		})
	}
}

func TestFindRefusesWhatIsNoHash(t *testing.T) {
	for _, hash := range []string{`" || true`, "ABC", "12 34", "12\n"} {
		if _, err := (&Engine{owner: "alice"}).Find(t.Context(), hash); err == nil || !strings.Contains(err.Error(), "no target's hash") {
			t.Errorf("%q: error %v", hash, err)
		}
	}
}

func FuzzQueue(f *testing.F) {
	f.Add(recordedQueue(f, "25.14.json"))
	f.Add(recordedQueue(f, "23.9.json"))
	f.Add([]byte(`[{"ClusterId": 1e300, "ProcId": null, "UserLog": ["x"]}]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		jobs, err := parseQueue(data)
		if err != nil && jobs != nil {
			t.Errorf("jobs and an error: %v", err)
		}
		for _, j := range jobs {
			if j.ID[0] < '1' || j.ID[0] > '9' {
				t.Errorf("a job is called %q", j.ID)
			}
			if strings.HasPrefix(j.Name+j.Log+j.Key, "/Expr(") {
				t.Errorf("an expression was taken for a value: %+v", j)
			}
			if _, err := json.Marshal(j); err != nil && j.Since.Year() < 10000 && j.Since.Year() >= 0 {
				t.Errorf("noting %+v: %v", j, err)
			}
		}
	})
}
