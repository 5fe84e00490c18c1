package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"

	"perch/tests/bench/link"
)

// The two servers, as they are called in tables.
const (
	byEntrypoint = "perch-entrypoint"
	byOpenSSH    = "sshd"
)

// Tables of the comparison of the two servers. Those of copies are called by
// kind and direction, and all of those over the long line by farPrefix and the
// name near by.
const (
	tableSequence = "sequence"
	tableParallel = "parallel"
	tableEcho     = "echo"
	tableBeside   = "beside"
	tableSame     = "same"
	tablePrepare  = "prepare"
	farPrefix     = "far "
)

// farLine is the line that stands for a long way: 100 ms there and back, 1 Gbit/s.
var farLine = link.Link{Delay: 50 * time.Millisecond, Rate: 125e6}

// served is a server and the stock ssh's way to it.
type served struct {
	way
	// dir has its socket and its client's configuration.
	dir string
	// pids are the processes that it consists of just now.
	pids func() []int
}

// comparison is what was found out about the two servers.
type comparison struct {
	Plan   serverPlan
	Tables []Table
	Memory []held
	// FarMemory is the same over the long line.
	FarMemory []held
	Line      checked
	Bench     []benchmark
	Soak      *soaked
	Took      time.Duration
}

func (c comparison) table(name string) Table { return tableOf(c.Tables, name) }

// serverPlan says how much is measured.
type serverPlan struct {
	// Sequence is how many sessions are opened, one after the other, and
	// Crowds how often Crowd of them at once; as many are held open, idle.
	Sequence, Crowds, Crowd int
	// Keys are typed in each of KeyRounds.
	Keys, KeyRounds int
	// Size is that of a copy in MiB, FarSize over the long line; Copies and
	// FarCopies how many there are.
	Size, FarSize     int
	Copies, FarCopies int
	// Far is how many sessions are opened over the long line, one after the
	// other, and FarCrowds how often Crowd of them at once.
	Far, FarCrowds int
	// Starts is how often perch-entrypoint is started.
	Starts int
}

var usualServerPlan = serverPlan{Sequence: 1000, Crowds: 5, Crowd: 50, Keys: 100, KeyRounds: 10, Size: 512, FarSize: 48,
	Copies: 10, FarCopies: 5, Far: 1000, FarCrowds: 3, Starts: 15}

// servers are the two, as long as they run, in a directory of their own.
type servers struct {
	place
	serverPlan
	perch, sshd served
	entrypoint  *perch
	stopSSHD    func()
}

// workshop is a directory for servers on a file system in memory, where there
// is one, so that no disk takes part in copies.
func workshop() (string, error) {
	dir, err := os.MkdirTemp("/dev/shm", "perch-bench-")
	if err != nil {
		return os.MkdirTemp("", "perch-bench-")
	}
	return dir, nil
}

// startServers builds perch-entrypoint as it is shipped and starts both.
func startServers(ctx context.Context, root, dir string, plan serverPlan, stderr io.Writer) (*servers, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &servers{place: place{home: dir, bin: dir, self: self, say: saysTo(stderr)}, serverPlan: plan}
	build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", s.program("perch-entrypoint"), "./entrypoint")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if err := runIn(root, build); err != nil {
		return nil, err
	}
	home := filepath.Join(dir, "perch")
	if _, err := s.newHome(ctx, home); err != nil {
		return nil, err
	}
	ours, err := s.startPerch(home)
	if err != nil {
		return nil, err
	}
	s.perch = served{ours.way, home, ours.serving}
	s.entrypoint = ours
	theirs, err := s.startSSHD(ctx)
	if err != nil {
		return nil, errors.Join(err, ours.stop())
	}
	theirs.name = byOpenSSH
	s.sshd = served{theirs.way, filepath.Join(dir, "sshd"), func() []int { return family("sshd") }}
	s.stopSSHD = theirs.stop
	return s, nil
}

func (s *servers) stop() error {
	s.stopSSHD()
	return s.entrypoint.stop()
}

func (s *servers) both() []served { return []served{s.perch, s.sshd} }

// compare measures the two servers beside each other.
func compare(ctx context.Context, root string, plan serverPlan, soak time.Duration, stderr io.Writer) (c *comparison, err error) {
	began := time.Now()
	c = &comparison{Plan: plan}
	err = withServers(ctx, root, plan, stderr, func(s *servers) error {
		for _, step := range []func(context.Context, *comparison) error{
			s.measureStarts, s.measureMemory, s.measureSessions, s.measureEcho, s.measureCopies,
		} {
			if err := step(ctx, c); err != nil {
				return err
			}
		}
		if soak == 0 {
			return nil
		}
		c.Soak, err = s.soak(ctx, soak)
		return err
	})
	if err != nil {
		return nil, err
	}
	// New ones: what the others hold is of what was done with them.
	err = withServers(ctx, root, plan, stderr, func(s *servers) error { return s.measureFar(ctx, c) })
	if err != nil {
		return nil, err
	}
	c.Bench, err = homeBenchmarks(ctx, root)
	c.Took = time.Since(began)
	return c, err
}

// withServers has use work with both servers.
func withServers(ctx context.Context, root string, plan serverPlan, stderr io.Writer, use func(*servers) error) (err error) {
	dir, err := workshop()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := startServers(ctx, root, dir, plan, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	return use(s)
}

// measureSessions measures how long sessions take, alone and in a crowd.
func (s *servers) measureSessions(ctx context.Context, c *comparison) error {
	return s.sessionTables(ctx, c, "", s.both(), s.serverPlan, inTurns, 10*time.Minute)
}

// sessionTables has take the sessions that come one after the other.
func (s *servers) sessionTables(ctx context.Context, c *comparison, prefix string, servers []served, plan serverPlan,
	take func(context.Context, string, bounds, []measure) (Table, error), total time.Duration) error {
	s.say("measuring %s%d sessions one after the other, and %d at once", prefix, plan.Sequence, plan.Crowd)
	var alone, many []measure
	for _, w := range servers {
		alone, many = append(alone, w.runsTrue()), append(many, w.runsMany(plan.Crowd))
	}
	return errors.Join(
		c.take(take(ctx, prefix+tableSequence, bounds{plan.Sequence, total, time.Minute}, alone)),
		c.take(inTurns(ctx, prefix+tableParallel, bounds{plan.Crowds, 60 * time.Second, time.Minute}, many)))
}

// take adds a table.
func (c *comparison) take(t Table, err error) error {
	c.Tables = append(c.Tables, t)
	return err
}

// measureStarts measures how long perch-entrypoint takes to be ready.
func (s *servers) measureStarts(ctx context.Context, c *comparison) error {
	s.say("measuring %d starts", s.Starts)
	n := 0
	return c.take(inTurns(ctx, tablePrepare, bounds{s.Starts, 30 * time.Second, time.Minute}, []measure{{byEntrypoint,
		func(ctx context.Context) (sample, error) {
			n++
			dir := filepath.Join(s.home, fmt.Sprint("start", n))
			if _, err := s.newHome(ctx, dir); err != nil {
				return sample{}, err
			}
			d, err := s.startPerch(dir)
			if err != nil {
				return sample{}, err
			}
			return sample{took: d.took.Seconds()}, errors.Join(d.stop(), os.RemoveAll(dir))
		}}}))
}
