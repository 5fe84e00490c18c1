package local

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"perch/shim/internal/engine"
	"perch/shim/internal/userlog"
)

// Whatever the job's program does, the log says how it ended.
func TestEnds(t *testing.T) {
	for _, test := range []struct {
		name, script    string
		returns, signal int
	}{
		{"success", "exit 0", 0, 0},
		{"exit status", "exit 71", 71, 0},
		{"signal", "kill -KILL $$", 0, 9},
		{"with a daemon left", "setsid sleep 1000 & setsid sh -c 'trap \"\" TERM; sleep 1000' & exit 3", 3, 0},
		{"with a directory that cannot be written", "mkdir -p a/b; touch a/b/c; chmod 500 a/b a", 0, 0},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, "")
			j := s.submit(s.program("queue", test.script))
			scratch := s.await(j, userlog.Execute).Scratch
			end := s.await(j, userlog.Terminated)
			if end.ReturnValue != test.returns || end.Signal != test.signal {
				t.Errorf("got return value %d, signal %d, want %d, %d", end.ReturnValue, end.Signal, test.returns, test.signal)
			}
			s.untilGone(j)
			s.checkNothingLeft(scratch)
		})
	}
}

// Files go there and come back, with their modes.
func TestTransfer(t *testing.T) {
	s := newSite(t, "")
	for _, dir := range []string{"in/tree/deep", "in/more"} {
		if err := os.MkdirAll(filepath.Join(s.dir, dir), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	s.write("in/tree/deep/a", "A")
	s.write("in/more/b", "B")
	s.write("in/stdin", "from stdin")
	s.write("in/result", "the one of before")
	j := s.submit(s.program(`
initialdir = in
input = stdin
output = out.$(Cluster)
error = err
log = job.log
transfer_input_files = tree, more/
transfer_output_files = result, made
queue
`, `stat -c %a perch_host_key perch_authorized_keys perch-entrypoint; cat tree/deep/a b; cat; echo oops >&2
echo out >result; chmod 750 result; mkdir -p made/deep; echo x >made/deep/x; ln -s x made/deep/link; echo not >named`))
	if want := filepath.Join(s.dir, "in/job.log"); j.Log != want {
		t.Fatalf("log: got %s, want %s", j.Log, want)
	}
	s.await(j, userlog.Terminated)
	for name, want := range map[string]string{
		"out.1": "600\n600\n755\nABfrom stdin", "err": "oops\n", "result": "out\n", "made/deep/x": "x\n", "made/deep/link": "x\n",
	} {
		got, err := os.ReadFile(filepath.Join(s.dir, "in", name))
		if err != nil || string(got) != want {
			t.Errorf("%s: got %q, %v, want %q", name, got, err, want)
		}
	}
	if info, err := os.Stat(filepath.Join(s.dir, "in/result")); err != nil || info.Mode().Perm() != 0o750 {
		t.Errorf("mode of result: got %v, %v, want 0750", info.Mode(), err)
	}
	if _, err := os.Stat(filepath.Join(s.dir, "in/named")); err == nil {
		t.Error("a file came back that was not named")
	}
}

// What cannot work at all holds the job, and says why in the log.
func TestHeldForFailure(t *testing.T) {
	for _, test := range []struct {
		name, jdl, script string
		spoil             func(*site, *engine.Submission)
		code              int
		want, events      string
	}{
		{"output is missing", "transfer_output_files = gone\nqueue", "exit 0", nil, codeTransferOutput,
			"copying the job's output gone: ", "000 001 021 012"},
		{"output is elsewhere", "transfer_output_files = link\nqueue", "ln -s /etc/passwd link", nil, codeTransferOutput,
			"copying the job's output link: it is a link that leaves the scratch directory", "000 001 021 012"},
		{"program of another machine", "queue", "", func(s *site, sub *engine.Submission) {
			sub.Entrypoint = s.write("program", "\x7fELF not really")
		}, codeFailedToStart, "starting the job: fork/exec ", "000 021 012"},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := newSite(t, "")
			sub := s.program(test.jdl, test.script)
			if test.spoil != nil {
				test.spoil(s, &sub)
			}
			j := s.submit(sub)
			held := s.await(j, userlog.Held)
			if !strings.HasPrefix(held.Reason, test.want) || held.Code != test.code {
				t.Errorf("got code %d, %q, want %d, %q…", held.Code, held.Reason, test.code, test.want)
			}
			s.until("the job is held", func() bool { return s.find(j.ID).State == engine.Held })
			if got := s.events(j); got != test.events {
				t.Errorf("events: got %s, want %s", got, test.events)
			}
			if got := s.find(j.ID); got.Reason != held.Reason || got.Scratch != "" {
				t.Errorf("in the queue: got %+v", got)
			}
			if err := s.Remove(t.Context(), j, "not wanted"); err != nil {
				t.Fatal(err)
			}
			if again := s.find(j.ID); again != nil {
				t.Errorf("after Remove: got %+v, want nothing", again)
			}
			if got := s.events(j); !strings.HasSuffix(got, "021 012 009") {
				t.Errorf("events after Remove: got %s, want 009 at the end", got)
			}
		})
	}
}

// A job may be submitted on hold, and be released.
func TestHoldAndRelease(t *testing.T) {
	s := newSite(t, "")
	j := s.submit(s.program("hold = true\nqueue", "exec sleep 1000"))
	if j.State != engine.Held || j.Reason != holdAtSubmission {
		t.Errorf("got %v, %q, want held, %q", j.State, j.Reason, holdAtSubmission)
	}
	if held := s.await(j, userlog.Held); held.Code != holdAtSubmissionCode || held.Reason != holdAtSubmission {
		t.Errorf("event: got %+v", held)
	}
	if got := s.find(j.ID); got == nil || got.State != engine.Held {
		t.Fatalf("in the queue: got %+v, want it held", got)
	}
	if _, err := s.Carry(t.Context(), j, filepath.Join(s.dir, "sock"), engine.Forward); !errors.Is(err, engine.ErrNotYet) {
		t.Errorf("carrier: got %v, want %v", err, engine.ErrNotYet)
	}
	if err := s.Release(t.Context(), j); err != nil {
		t.Fatal(err)
	}
	s.await(j, userlog.Execute)
	if err := s.Release(t.Context(), j); err == nil || !strings.Contains(err.Error(), "not held") {
		t.Errorf("a second Release: got %v, want that it is not held", err)
	}
	if got, want := s.events(j), "000 012 013 001"; got != want {
		t.Errorf("events: got %s, want %s", got, want)
	}
}

// Jobs wait for cores, and get them when others end.
func TestWaitForCores(t *testing.T) {
	s := newSite(t, "")
	t.Setenv(EnvCPUs, "3")
	first := s.submit(s.program("request_cpus = 2\nqueue", "exec sleep 1000"))
	s.await(first, userlog.Execute)
	second := s.submit(s.program("request_cpus = 2\nqueue", "exec sleep 1000"))
	third := s.submit(s.program("request_cpus = 4\nqueue", "exec sleep 1000"))
	for j, want := range map[engine.Job]string{
		second: "waiting for cores: the job asks for 2, other jobs have 2 of 3",
		third:  "the job asks for 4 cores, but local jobs may have 3 here (PERCH_LOCAL_CPUS)",
	} {
		s.until("job "+j.ID+" waits: "+want, func() bool {
			got := s.find(j.ID)
			return got != nil && got.State == engine.Idle && got.Reason == want
		})
	}
	if err := s.Remove(t.Context(), third, "too large"); err != nil {
		t.Fatal(err)
	}
	s.untilGone(third)
	if got, want := s.events(third), "000 009"; got != want {
		t.Errorf("events of the job that never ran: got %s, want %s", got, want)
	}
	if err := s.Remove(t.Context(), first, ""); err != nil {
		t.Fatal(err)
	}
	s.await(second, userlog.Execute)
}

// Remove ends what runs, by force after its time, and is no error later.
func TestRemove(t *testing.T) {
	for name, script := range map[string]string{
		"ends at once":                   "exec sleep 1000",
		"ignores SIGTERM":                "trap '' TERM; sleep 1000 & while :; do wait; done",
		"ignores SIGTERM in a container": "trap '' TERM; cat /dev/zero >/dev/null",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "")
			sub := s.program("queue", script)
			if strings.Contains(name, "container") {
				needRunc(t)
				sub.JDL = s.write("y.jdl", "container_image = "+makeImage(t)+"\nqueue")
			}
			sub.Vacate = time.Second
			j := s.submit(sub)
			scratch := s.await(j, userlog.Execute).Scratch
			if err := s.Remove(t.Context(), j, ""); err != nil {
				t.Fatal(err)
			}
			if got := s.find(j.ID); got != nil && got.State != engine.Removed {
				t.Errorf("right after Remove: got %+v, want it removed", got)
			}
			if end := s.await(j, userlog.Aborted); end.Reason != "via perch stop" {
				t.Errorf("reason: got %q, want via perch stop", end.Reason)
			}
			s.untilGone(j)
			s.checkNothingLeft(scratch)
			if got, want := s.events(j), "000 001 004 009"; got != want {
				t.Errorf("events: got %s, want %s", got, want)
			}
			if err := s.Remove(t.Context(), j, "again"); err != nil {
				t.Errorf("Remove of a job that is gone: %v", err)
			}
			if _, err := s.Carry(t.Context(), j, filepath.Join(s.dir, "sock"), engine.Forward); err == nil || !strings.Contains(err.Error(), "has left the queue") {
				t.Errorf("carrier: got %v, want that the job has left the queue", err)
			}
		})
	}
}

// Submissions at the same moment get numbers of their own.
func TestSubmitTogether(t *testing.T) {
	s := newSite(t, "")
	sub := s.program("hold = true\nqueue", "exit 0")
	ids := make(chan string, 8)
	var group sync.WaitGroup
	for range cap(ids) {
		group.Go(func() {
			j, err := s.Submit(context.Background(), sub)
			if err != nil {
				t.Error(err)
			}
			ids <- j.ID
		})
	}
	group.Wait()
	seen := map[string]bool{}
	for range cap(ids) {
		seen[<-ids] = true
	}
	if len(seen) != cap(ids) {
		t.Errorf("got %d numbers for %d jobs", len(seen), cap(ids))
	}
	if jobs, err := s.Find(t.Context(), "another target"); err != nil || len(jobs) != 0 {
		t.Errorf("jobs of another target: got %v, %v", jobs, err)
	}
	if jobs, err := s.Find(t.Context(), "hash"); err != nil || len(jobs) != cap(ids) {
		t.Errorf("got %d jobs, %v, want %d", len(jobs), err, cap(ids))
	}
}

// Of jobs that ended, the newest folders are kept.
func TestPrune(t *testing.T) {
	s := newSite(t, "")
	sub := s.program("hold = true\nqueue", "exit 0")
	for range keptEnded + 2 {
		if err := s.Remove(t.Context(), s.submit(sub), ""); err != nil {
			t.Fatal(err)
		}
	}
	last := s.submit(sub)
	q, err := openQueue()
	if err != nil {
		t.Fatal(err)
	}
	if got, want := len(q.clusters()), keptEnded+1; got != want {
		t.Errorf("got %d folders, want %d", got, want)
	}
	if s.find(last.ID) == nil {
		t.Error("the job that has not ended is gone")
	}
}
