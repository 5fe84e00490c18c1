// Package enginetest is an engine for tests of the shim's middle: jobs that run
// nowhere, whose faults come when a test asks for them. Their user logs and
// sockets are real. It stands for no batch system, and no program contains it.
package enginetest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"net"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
	"perch/shim/internal/userlog"
)

// Engine is an engine.Engine. Its exported fields are set before it is used.
type Engine struct {
	// Serve is the entrypoint's side of each connection; by default it says
	// the banner and waits for the other side to end.
	Serve func(net.Conn)
	// NoForward has the way Forward be none, RefuseForward has it end every
	// connection, as an sshd does that may not forward.
	NoForward, RefuseForward bool
	// NotYet is how many calls of Carry come too early.
	NotYet int
	// Submitted is called for each new job, whose Submit event is written.
	Submitted func(engine.Job)

	t        testing.TB
	dir      string
	mu       sync.Mutex
	jobs     []engine.Job
	carriers []*carrier
	ways     []engine.Way
	asked    int
	reasons  []string
	fail     error
}

var _ engine.Engine = (*Engine)(nil)

// New makes an engine whose user logs lie in a directory of the test's, unless
// a submission names another place.
func New(t testing.TB) *Engine {
	return &Engine{t: t, dir: t.TempDir(), Serve: Greet}
}

// Greet says the banner of this contract and waits for the other side to end.
func Greet(conn net.Conn) { Say(contract.Banner())(conn) }

// Say is a Serve that says another banner.
func Say(banner string) func(net.Conn) {
	return func(conn net.Conn) {
		defer conn.Close()
		if _, err := conn.Write([]byte(banner + "\r\n")); err == nil {
			_, _ = conn.Read(make([]byte, 1))
		}
	}
}

// Queue returns "memory".
func (e *Engine) Queue() string { return "memory" }

// Fail lets the following calls of Submit and Find end in err, until it is nil.
func (e *Engine) Fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.fail = err
}

// Submit makes a job of the target.
func (e *Engine) Submit(_ context.Context, s engine.Submission) (engine.Job, error) {
	e.mu.Lock()
	if e.fail != nil {
		defer e.mu.Unlock()
		return engine.Job{}, e.fail
	}
	j := engine.Job{ID: fmt.Sprintf("%d.0", len(e.jobs)+1), State: engine.Idle, Since: time.Now(),
		Target: s.Target, Name: s.Name, Key: s.Fingerprint, Log: s.Log}
	if j.Log == "" {
		j.Log = filepath.Join(e.dir, "user.log")
	}
	e.jobs = append(e.jobs, j)
	e.mu.Unlock()
	e.Note(j.ID, userlog.Event{Number: userlog.Submit, Host: "memory"})
	if e.Submitted != nil {
		e.Submitted(j)
	}
	return j, nil
}

// Find returns the jobs that have not left the queue.
func (e *Engine) Find(_ context.Context, target string) ([]engine.Job, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.asked++
	if e.fail != nil {
		return nil, e.fail
	}
	var found []engine.Job
	for _, j := range e.jobs {
		if j.State != engine.Removed && j.State != engine.Completed && (target == "" || j.Target == target) {
			found = append(found, j)
		}
	}
	return found, nil
}

// Remove notes the reason and the job's end.
func (e *Engine) Remove(_ context.Context, j engine.Job, reason string) error {
	e.mu.Lock()
	e.reasons = append(e.reasons, j.ID+" "+reason)
	e.mu.Unlock()
	e.Abort(j.ID, reason)
	return nil
}

// Asked is how often Find was called, Ways are those of all carriers so far,
// and Removals the ids and reasons given to Remove.
func (e *Engine) Asked() int { e.mu.Lock(); defer e.mu.Unlock(); return e.asked }

// Ways: see Asked.
func (e *Engine) Ways() []engine.Way { e.mu.Lock(); defer e.mu.Unlock(); return slices.Clone(e.ways) }

// Removals: see Asked.
func (e *Engine) Removals() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.reasons)
}

// Note writes an event of a job into its user log.
func (e *Engine) Note(id string, event userlog.Event) {
	e.t.Helper()
	event.Job, event.Time = id, time.Now()
	if err := userlog.Append(e.Job(id).Log, event); err != nil {
		e.t.Error(err)
	}
}

// Job returns a job as it is in the queue.
func (e *Engine) Job(id string) engine.Job {
	e.mu.Lock()
	defer e.mu.Unlock()
	return *e.job(id)
}

func (e *Engine) job(id string) *engine.Job {
	for i := range e.jobs {
		if e.jobs[i].ID == id {
			return &e.jobs[i]
		}
	}
	panic("there is no job " + id)
}

// enter changes a job in the queue alone.
func (e *Engine) enter(id string, s engine.State, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	j := e.job(id)
	j.Evicted = s == engine.Idle && j.State == engine.Running
	j.State, j.Since, j.Reason = s, time.Now(), reason
}

// Start lets a job run.
func (e *Engine) Start(id string) {
	e.enter(id, engine.Running, "")
	e.Note(id, userlog.Event{Number: userlog.Execute, Host: "memory", Slot: "slot1", Scratch: "/execute/dir_1"})
}

// Hold holds a job.
func (e *Engine) Hold(id, reason string) {
	e.enter(id, engine.Held, reason)
	e.Note(id, userlog.Event{Number: userlog.Held, Reason: reason, Code: 1})
}

// Evict puts a job off its slot and back into the queue.
func (e *Engine) Evict(id, reason string) {
	e.enter(id, engine.Idle, "")
	e.Note(id, userlog.Event{Number: userlog.Evicted, Reason: reason, Code: 1022})
}

// Terminate lets a job end by itself.
func (e *Engine) Terminate(id string, status int) {
	e.enter(id, engine.Completed, "")
	e.Note(id, userlog.Event{Number: userlog.Terminated, ReturnValue: status})
}

// Abort takes a job out of the queue.
func (e *Engine) Abort(id, reason string) {
	e.enter(id, engine.Removed, reason)
	e.Note(id, userlog.Event{Number: userlog.Aborted, Reason: reason})
}

// StarterError is an error of the starter's; the job is put back and tried anew.
func (e *Engine) StarterError(id, text string) {
	e.Note(id, userlog.Event{Number: userlog.RemoteError, Host: "memory", Reason: text})
}

// Vanish takes a job out of the queue, of which its log says nothing.
func (e *Engine) Vanish(id string) { e.enter(id, engine.Removed, "") }

// Reason gives an idle job its reason in the queue.
func (e *Engine) Reason(id, reason string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.job(id).Reason = reason
}

// Silence lets a job change in the queue alone.
func (e *Engine) Silence(id string, s engine.State, reason string) { e.enter(id, s, reason) }

// Await waits until ok, for which it has time enough on a busy machine.
func Await(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for deadline := time.Now().Add(30 * time.Second); time.Now().Before(deadline); time.Sleep(5 * time.Millisecond) {
		if ok() {
			return
		}
	}
	t.Fatalf("waited in vain until %s", what)
}

var errBroken = errors.New("the carrier was broken by the test")

// Main runs a package's tests and sees that they leave no goroutine of Perch's.
// The tests mostly wait, so all that may run together do.
func Main(m *testing.M) int {
	flag.Parse()
	if err := flag.Set("test.parallel", "32"); err != nil {
		panic(err)
	}
	if code := m.Run(); code != 0 {
		return code
	}
	left := ""
	for deadline := time.Now().Add(10 * time.Second); time.Now().Before(deadline); time.Sleep(10 * time.Millisecond) {
		if left = goroutines(); left == "" {
			return 0
		}
	}
	fmt.Println("FAIL: goroutines are left:\n" + left)
	return 1
}

func goroutines() string {
	var left []string
	for _, g := range strings.Split(stacks(), "\n\n") {
		if strings.Contains(g, "perch/shim/") && !strings.Contains(g, "enginetest.Main") {
			left = append(left, g)
		}
	}
	return strings.Join(left, "\n\n")
}
