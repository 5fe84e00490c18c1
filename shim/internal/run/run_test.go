package run

import (
	"context"
	"errors"
	"log"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/adrg/xdg"

	"perch/shim/internal/config"
	"perch/shim/internal/engine"
	"perch/shim/internal/engine/enginetest"
	"perch/shim/internal/keep"
	"perch/shim/internal/keys"
	"perch/shim/internal/standin"
	"perch/shim/internal/target"
	"perch/shim/internal/wait"
	"perch/shim/say"
)

// TestMain lets the stock ssh start this program as perch-ssh.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == standin.ConnectCommand("", "")[1] {
		os.Exit(standin.Run(context.Background(), os.Args[1:]))
	}
	os.Exit(enginetest.Main(m))
}

// site is a user's home and an engine whose jobs run at once, with their keep
// in this process.
type site struct {
	*Runner
	engine *enginetest.Engine
	t      *testing.T
	jdl    string
	said   *os.File
}

func newSite(t *testing.T) *site {
	t.Helper()
	home, err := os.MkdirTemp("", "run")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(home) })
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
	t.Setenv("XDG_RUNTIME_DIR", filepath.Join(home, "run"))
	xdg.Reload()
	t.Cleanup(xdg.Reload)
	s := &site{engine: enginetest.New(t), t: t, jdl: filepath.Join(home, "a.jdl")}
	said, err := os.Create(filepath.Join(home, "stderr"))
	if err := errors.Join(err, os.Mkdir(filepath.Join(home, "run"), 0o700), os.WriteFile(s.jdl, []byte("queue\n"), 0o600)); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { said.Close() })
	s.said = said
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s.Runner = &Runner{Engine: s.engine, Settings: config.Settings{IdleTimeout: -1, IdleConnected: -1}, Say: say.ForUser(said),
		Paths: Paths{Perch: "/no/such/perch", PerchSSH: self, Entrypoint: "/usr/bin/perch-entrypoint", SSH: "/usr/bin/ssh"}}
	s.engine.Submitted = func(j engine.Job) { s.run(j) }
	return s
}

// run keeps the carrier of a job, and lets the job run.
func (s *site) run(j engine.Job) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		if err := keep.New(s.engine, s.target(), j, log.New(s.t.Output(), "keep: ", 0)).Run(ctx); err != nil {
			s.t.Errorf("keep: %v", err)
		}
	}()
	s.t.Cleanup(func() { cancel(); <-ended })
	enginetest.Await(s.t, "a keep has the lock", s.target().Kept)
	s.engine.Start(j.ID)
}

func (s *site) target() target.Target {
	s.t.Helper()
	tg, err := target.Resolve(s.jdl, s.engine.Queue(), xdg.StateHome)
	if err != nil {
		s.t.Fatal(err)
	}
	return tg
}

func (s *site) up() engine.Job {
	s.t.Helper()
	_, job, err := s.Up(s.t.Context(), s.jdl)
	if err != nil {
		s.t.Fatal(err)
	}
	return job
}

// reads checks what the user has read since the last time.
func (s *site) reads(parts ...string) {
	s.t.Helper()
	said, err := os.ReadFile(s.said.Name())
	if err := errors.Join(err, s.said.Truncate(0)); err != nil {
		s.t.Fatal(err)
	}
	if _, err := s.said.Seek(0, 0); err != nil {
		s.t.Fatal(err)
	}
	for _, part := range parts {
		if !strings.Contains(string(said), part) {
			s.t.Errorf("the user reads no %q in\n%s", part, said)
		}
	}
}

func (s *site) jobs() []engine.Job {
	s.t.Helper()
	jobs, err := s.engine.Find(s.t.Context(), "")
	if err != nil {
		s.t.Fatal(err)
	}
	return jobs
}

func TestUp(t *testing.T) {
	s := newSite(t)
	job := s.up()
	s.reads("perch: submitted job 1.0 for a", "job 1.0 (a) runs, opening a connection to it")
	tg := s.target()
	set, err := keys.Load(tg.State)
	if err != nil || job.Key != set.Fingerprint || job.Target != tg.Hash || job.Name != "a" || job.Log != tg.LogPath() {
		t.Errorf("the job is %+v, the key %+v, %v", job, set, err)
	}
	if n := tg.Note(); n.Job.ID != job.ID || n.JDL != s.jdl || n.Queue != "memory" {
		t.Errorf("the note is %+v", n)
	}
	if !tg.Standing() {
		t.Error("no carrier stands")
	}
	if again := s.up(); again.ID != job.ID || len(s.jobs()) != 1 {
		t.Errorf("the next call is in job %s of %v", again.ID, s.jobs())
	}
}

// TestManyCallsOneJob: all windows of an editor open at once.
func TestManyCallsOneJob(t *testing.T) {
	s := newSite(t)
	var calls sync.WaitGroup
	for range 10 {
		calls.Go(func() {
			r := *s.Runner
			if _, job, err := r.Up(t.Context(), s.jdl); err != nil || job.ID != "1.0" {
				t.Errorf("job %s, %v", job.ID, err)
			}
		})
	}
	calls.Wait()
	if jobs := s.jobs(); len(jobs) != 1 {
		t.Errorf("there are %d jobs", len(jobs))
	}
}

// TestFound jobs: what their folder still knows of them decides.
func TestFound(t *testing.T) {
	s := newSite(t)
	job := s.up()
	note := filepath.Join(s.target().State, "job.json")
	if err := os.WriteFile(s.jdl, []byte("request_cpus = 2\nqueue\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.up()
	s.reads(s.jdl + " has changed since job 1.0 was submitted; perch stop, then connect again")
	if err := os.WriteFile(note, []byte("{"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.up()
	if n := s.target().Note(); n.Job.ID != job.ID {
		t.Errorf("the job was not noted anew: %+v", n)
	}
	if err := os.Remove(filepath.Join(s.target().State, keys.Identity)); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Up(t.Context(), s.jdl)
	if err == nil || !strings.Contains(err.Error(), "job 1.0 runs for this target, but its key is not here") ||
		!strings.Contains(err.Error(), "perch stop JDL:"+s.jdl) {
		t.Errorf("without the key: %v", err)
	}
	if len(s.jobs()) != 1 {
		t.Errorf("there are %d jobs", len(s.jobs()))
	}
}

// TestEvicted: the home is gone, so a new job is made, and that is said.
func TestEvicted(t *testing.T) {
	s := newSite(t)
	s.up()
	s.engine.Evict("1.0", "vacated")
	enginetest.Await(t, "keep has ended", func() bool { return !s.target().Kept() })
	if job := s.up(); job.ID != "2.0" {
		t.Errorf("the next call is in job %s", job.ID)
	}
	s.reads("job 1.0 was put off its slot and its home is gone; submitting a new one", "submitted job 2.0")
	if got := s.engine.Removals(); !slices.Equal(got, []string{"1.0 perch: the job was evicted"}) {
		t.Errorf("removed %q", got)
	}
}

// TestRemovedByOthers: that the home is new is said, whoever took the old one.
func TestRemovedByOthers(t *testing.T) {
	s := newSite(t)
	s.up()
	s.engine.Abort("1.0", "via condor_rm (by user root)")
	enginetest.Await(t, "keep has ended", func() bool { return !s.target().Kept() })
	s.up()
	s.reads("job 1.0 was removed (via condor_rm (by user root)), and its home is gone; the new job's home is new", "submitted job 2.0")
	if err := s.engine.Remove(t.Context(), s.engine.Job("2.0"), StopReason); err != nil {
		t.Fatal(err)
	}
	enginetest.Await(t, "keep has ended", func() bool { return !s.target().Kept() })
	s.up()
	if said, _ := os.ReadFile(s.said.Name()); strings.Contains(string(said), "home is new") {
		t.Errorf("the user has stopped the job, and reads\n%s", said)
	}
}

// TestEndedMeanwhile: a job that was found, but has ended, makes room for the
// next as soon as the queue has seen its end, too.
func TestEndedMeanwhile(t *testing.T) {
	s := newSite(t)
	s.Paths.Perch = "/bin/true" // a keep that ends at once, should one be started
	s.up()
	s.engine.Terminate("1.0", 0)
	enginetest.Await(t, "keep has ended", func() bool { return !s.target().Kept() })
	s.engine.Silence("1.0", engine.Running, "")
	asked := s.engine.Asked()
	go func() {
		for s.engine.Asked() < asked+3 {
			time.Sleep(time.Millisecond)
		}
		s.engine.Silence("1.0", engine.Completed, "")
	}()
	if job := s.up(); job.ID != "2.0" {
		t.Errorf("the next call is in job %s", job.ID)
	}
	s.reads("job 1.0 is over (exit status 0)", "submitted job 2.0")
}

// TestEndedAtOnce: a job that was submitted just now is not followed by others.
func TestEndedAtOnce(t *testing.T) {
	s := newSite(t)
	s.engine.Submitted = func(j engine.Job) { s.engine.Abort(j.ID, "the test's") }
	if _, _, err := s.Up(t.Context(), s.jdl); !errors.Is(err, wait.ErrEnded) || !strings.Contains(err.Error(), "job 1.0 was removed (the test's)") {
		t.Errorf("error %v", err)
	}
	if n := s.target().Note(); n.Job.ID != "1.0" {
		t.Errorf("the note, by which perch logs finds its log, is %+v", n)
	}
}

func TestTwoJobsOfATarget(t *testing.T) {
	s := newSite(t)
	s.up()
	s.engine.Submitted = nil
	if _, err := s.engine.Submit(t.Context(), engine.Submission{Target: s.target().Hash}); err != nil {
		t.Fatal(err)
	}
	_, _, err := s.Up(t.Context(), s.jdl)
	if err == nil || !strings.Contains(err.Error(), "jobs 1.0 and 2.0 both carry the target") {
		t.Errorf("error %v", err)
	}
}

func TestEngineFails(t *testing.T) {
	s := newSite(t)
	away := errors.New("asking the schedd: failed to connect")
	s.engine.Fail(away)
	if _, _, err := s.Up(t.Context(), s.jdl); !errors.Is(err, away) {
		t.Errorf("Up: %v", err)
	}
	if err := s.Stop(t.Context(), s.jdl, 0); !errors.Is(err, away) {
		t.Errorf("Stop: %v", err)
	}
	if n := s.target().Note(); n.Job.ID != "" {
		t.Errorf("a job was noted: %+v", n)
	}
	s.engine.Fail(nil)
	s.up()
}

// TestNotice of the administrator's rules is read by the user.
func TestNotice(t *testing.T) {
	s := newSite(t)
	job := s.up()
	job.Notice = "this site's rules changed the job: it may run for 8 h"
	if err := s.wait(t.Context(), s.target(), job); err != nil {
		t.Fatal(err)
	}
	s.reads(job.Notice)
}

func TestPrepare(t *testing.T) {
	s := newSite(t)
	for range 2 {
		tg, err := s.Prepare(t.Context(), s.jdl)
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{tg.ConfigPath(), tg.KnownHostsPath()} {
			if _, err := os.Stat(path); err != nil {
				t.Error(err)
			}
		}
	}
	if len(s.jobs()) != 0 || s.engine.Asked() != 1 {
		t.Errorf("a job was looked for or made: %v, asked %d times", s.jobs(), s.engine.Asked()-1)
	}
	s.Settings.AuthorizedKeysFile = "/no/such/keys"
	if _, _, err := s.Up(t.Context(), s.jdl); err == nil || !strings.Contains(err.Error(), "authorized_keys_file") || len(s.jobs()) != 0 {
		t.Errorf("a keys file that is missing: %v, %v", err, s.jobs())
	}
}
