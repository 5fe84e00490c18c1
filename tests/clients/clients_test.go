// Package clients has real clients of SSH work in one job: each client, by each
// of its ways, times each feature. docs/clients.md is written by it.
package clients

import (
	"flag"
	"os"
	"sync"
	"testing"

	"perch/tests/session"
)

var update = flag.Bool("update", false, "write docs/clients.md anew")

func TestMain(m *testing.M) { os.Exit(session.Main(m)) }

// client is one program, or a few of one kind, by one way into the job.
type client struct {
	// name and way are the row's. packages are Debian's, of the user's machine;
	// job is what the job has to have for it.
	name, way, packages, job string
	// lines are what the user types, for sh.
	lines map[task]string
	// cannot are the features that the client has not, with the reason.
	cannot map[string]string
	// transport is the process that carries the client's bytes, by its name:
	// the one that the cut kills.
	transport string
	// resumes says that the client comes in again by itself when it is cut.
	resumes bool
}

// task is what a line is for.
type task string

const (
	prepare task = "once before"
	command task = "a command"
	put     task = "a file there"
	get     task = "a file back"
	putTree task = "a tree there"
	getTree task = "a tree back"
	// Of the tests alone: a transfer that is held in its middle, for clients whose
	// put is no good for that, and what puts a killed client's things away.
	held    task = "held"
	release task = "release"
)

// The ways into a job.
const (
	byShim  = "perch-ssh"
	byProxy = "perch proxy"
	// byLaptop goes through ssh to the submit host first.
	byLaptop = "perch proxy from a laptop"
)

func (c client) String() string { return c.name + " by " + c.way }

// TestClients tries them all, and holds docs/clients.md to what came out.
func TestClients(t *testing.T) {
	s := newSite(t)
	m := &matrix{passed: map[string]bool{}}
	t.Run("cipher", func(t *testing.T) { s.tryCipher(t) })
	t.Run("client", func(t *testing.T) {
		for _, c := range all() {
			t.Run(c.String(), func(t *testing.T) {
				t.Parallel()
				s.try(t, m, c)
			})
		}
	})
	s.witness.answers(t)
	m.compare(t)
}

// try is a row: every feature that the client has.
func (s *site) try(t *testing.T, m *matrix, c client) {
	r := s.row(c)
	if line, ok := c.lines[prepare]; ok {
		// Several rows have the same, and their files.
		once, _ := s.prepared.LoadOrStore(line, &sync.Once{})
		once.(*sync.Once).Do(func() { r.succeed(t, line) })
	}
	for _, f := range features {
		if _, no := c.cannot[f.name]; no {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			f.check(t, r.cell(t, f))
			if !t.Failed() {
				m.pass(c, f)
			}
		})
	}
}

// matrix is what came out.
type matrix struct {
	sync.Mutex
	passed map[string]bool
}

func (m *matrix) pass(c client, f feature) {
	m.Lock()
	defer m.Unlock()
	m.passed[c.String()+": "+f.name] = true
}
