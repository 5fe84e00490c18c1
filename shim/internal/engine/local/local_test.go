package local

import (
	"context"
	"crypto/ed25519"
	"encoding/pem"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
	"perch/shim/internal/userlog"
)

// limit is how long any of these may hang before the test gives up.
const limit = 60 * time.Second

// entrypoint is the real perch-entrypoint.
var entrypoint string

// TestMain makes this program its own starter, as the perch command is, and
// builds the entrypoint.
func TestMain(m *testing.M) {
	if len(os.Args) == 3 && os.Args[1] == StarterCommand {
		if err := Starter(context.Background(), os.Args[2]); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(runTests(m))
}

func runTests(m *testing.M) int {
	dir, err := os.MkdirTemp("", "perch-local-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	entrypoint = filepath.Join(dir, contract.ProgramName)
	build := exec.Command("go", "build", "-o", entrypoint, "perch/entrypoint")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "building the entrypoint: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// site is a queue of its own, with a user's files.
type site struct {
	*testing.T
	*Engine
	dir     string
	signer  ssh.Signer
	notices []string
}

// newSite makes the queue below state, or in a short directory of its own.
func newSite(t *testing.T, state string) *site {
	t.Helper()
	if state == "" {
		state = t.TempDir()
	}
	t.Setenv("XDG_STATE_HOME", state)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	s := &site{T: t, Engine: &Engine{Program: self}, dir: t.TempDir()}
	s.makeKeys()
	t.Cleanup(s.clear)
	return s
}

// clear ends all jobs of the site, however they stand.
func (s *site) clear() {
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	defer cancel()
	for ctx.Err() == nil {
		jobs, err := s.Find(ctx, "")
		if err != nil {
			s.Error(err)
			return
		}
		if len(jobs) == 0 {
			return
		}
		for _, j := range jobs {
			if j.State != engine.Removed {
				if err := s.Remove(ctx, j, "end of the test"); err != nil {
					s.Error(err)
				}
			}
		}
		time.Sleep(20 * time.Millisecond)
	}
	s.Error("jobs are left over after the test")
}

func (s *site) makeKeys() {
	s.Helper()
	_, host, err := ed25519.GenerateKey(nil)
	if err != nil {
		s.Fatal(err)
	}
	block, err := ssh.MarshalPrivateKey(host, "")
	if err != nil {
		s.Fatal(err)
	}
	_, user, err := ed25519.GenerateKey(nil)
	if err != nil {
		s.Fatal(err)
	}
	if s.signer, err = ssh.NewSignerFromKey(user); err != nil {
		s.Fatal(err)
	}
	s.write(contract.HostKeyFile, string(pem.EncodeToMemory(block)))
	s.write(contract.AuthorizedKeysFile, string(ssh.MarshalAuthorizedKey(s.signer.PublicKey())))
}

// write writes a file of the user's and returns its path.
func (s *site) write(name, text string) string {
	s.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.Fatal(err)
	}
	return path
}

// submission is what the shim would ask for.
func (s *site) submission(jdl string) engine.Submission {
	s.Helper()
	return engine.Submission{
		JDL: s.write("x.jdl", jdl), Target: "hash", Name: "x", Fingerprint: "SHA256:abc",
		HostKey: filepath.Join(s.dir, contract.HostKeyFile), AuthorizedKeys: filepath.Join(s.dir, contract.AuthorizedKeysFile),
		Entrypoint: entrypoint, Log: filepath.Join(s.dir, "user.log"),
		IdleTimeout: -1, IdleConnected: -1, Vacate: 5 * time.Second,
		Notice: func(line string) { s.notices = append(s.notices, line) },
	}
}

// program makes a submission whose job is a shell script.
func (s *site) program(jdl, script string) engine.Submission {
	s.Helper()
	sub := s.submission(jdl)
	sub.Entrypoint = s.write("program", "#!/bin/sh\n"+script+"\n")
	return sub
}

func (s *site) submit(sub engine.Submission) engine.Job {
	s.Helper()
	j, err := s.Submit(s.Context(), sub)
	if err != nil {
		s.Fatal(err)
	}
	return j
}

// await follows the user log until an event of the kind comes, and returns it.
func (s *site) await(j engine.Job, kind userlog.Number) userlog.Event {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), limit)
	defer cancel()
	var seen []string
	for some := range userlog.Follow(ctx, j.Log, j.ID) {
		for _, e := range some {
			if e.Number == kind {
				return e
			}
			seen = append(seen, fmt.Sprintf("%03d %s", int(e.Number), e.Reason))
		}
	}
	log, _ := os.ReadFile(filepath.Join(os.Getenv("XDG_STATE_HOME"), "perch/local/jobs", strings.TrimSuffix(j.ID, ".0"), "starter.log"))
	s.Fatalf("event %03d did not come; got %q; starter's log: %s", int(kind), seen, log)
	return userlog.Event{}
}

// events returns the numbers of the job's events so far.
func (s *site) events(j engine.Job) string {
	s.Helper()
	f, err := os.Open(j.Log)
	if err != nil {
		s.Fatal(err)
	}
	defer f.Close()
	events, err := userlog.Read(f, j.ID)
	if err != nil {
		s.Fatal(err)
	}
	var numbers []string
	for _, e := range events {
		numbers = append(numbers, fmt.Sprintf("%03d", int(e.Number)))
	}
	return strings.Join(numbers, " ")
}

// until waits for a condition.
func (s *site) until(what string, ok func() bool) {
	s.Helper()
	for end := time.Now().Add(limit); !ok(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("in vain: waiting until %s", what)
		}
	}
}

// find returns the job as the queue has it, or nil.
func (s *site) find(id string) *engine.Job {
	s.Helper()
	jobs, err := s.Find(s.Context(), "")
	if err != nil {
		s.Fatal(err)
	}
	for _, j := range jobs {
		if j.ID == id {
			return &j
		}
	}
	return nil
}

func (s *site) untilGone(j engine.Job) {
	s.Helper()
	s.until("job "+j.ID+" has left the queue", func() bool { return s.find(j.ID) == nil })
}

// checkNothingLeft looks for what a job must not leave behind.
func (s *site) checkNothingLeft(scratch string) {
	s.Helper()
	if pids := marked("_CONDOR_SCRATCH_DIR=" + scratch); len(pids) > 0 {
		s.Errorf("processes of the job are left: %v", pids)
	}
	if _, err := os.Lstat(scratch); !os.IsNotExist(err) {
		s.Errorf("the scratch directory %s is left (%v)", scratch, err)
	}
	if bundles, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_STATE_HOME"), "perch/local/jobs/*/bundle")); len(bundles) > 0 {
		s.Errorf("bundles are left: %v", bundles)
	}
}

// starterOf returns who looks after the job.
func (s *site) starterOf(j engine.Job) process {
	s.Helper()
	q, err := openQueue()
	if err != nil {
		s.Fatal(err)
	}
	cluster, _ := strconv.Atoi(strings.TrimSuffix(j.ID, ".0"))
	e, err := load(q.folder(cluster))
	if err != nil {
		s.Fatal(err)
	}
	return e.status.Starter
}
