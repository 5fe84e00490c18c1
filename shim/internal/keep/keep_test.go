package keep

import (
	"bufio"
	"context"
	"errors"
	"log"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
	"perch/shim/internal/engine/enginetest"
	"perch/shim/internal/proxy"
	"perch/shim/internal/target"
	"perch/shim/internal/userlog"
)

// TestMain lets the tests start this program as perch keep.
func TestMain(m *testing.M) {
	if len(os.Args) == 4 && os.Args[1] == "keep" {
		tell()
		os.Exit(0)
	}
	os.Exit(enginetest.Main(m))
}

// kept is a job whose carrier is being kept.
type kept struct {
	*enginetest.Engine
	t      *testing.T
	target target.Target
	id     string
	cancel context.CancelFunc
	done   chan error
}

// newTarget has short paths, as a socket's has to be.
func newTarget(t *testing.T) target.Target {
	t.Helper()
	dir, err := os.MkdirTemp("", "keep")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	tg := target.Target{JDL: filepath.Join(dir, "a.jdl"), Name: "a", Hash: "0011", State: filepath.Join(dir, "state"), Runtime: filepath.Join(dir, "run")}
	if err := errors.Join(os.Mkdir(tg.State, 0o700), os.Mkdir(tg.Runtime, 0o700)); err != nil {
		t.Fatal(err)
	}
	return tg
}

// submitted makes a job; change, if not nil, sets the engine's faults.
func submitted(t *testing.T, change func(*enginetest.Engine)) *kept {
	t.Helper()
	k := &kept{Engine: enginetest.New(t), t: t, target: newTarget(t)}
	if change != nil {
		change(k.Engine)
	}
	j, err := k.Submit(t.Context(), engine.Submission{Target: k.target.Hash, Name: "a"})
	if err != nil {
		t.Fatal(err)
	}
	k.id = j.ID
	return k
}

// keep runs a keeper of the job until the test ends or it does.
func (k *kept) keep() {
	ctx, cancel := context.WithCancel(context.Background())
	done, ended := make(chan error, 1), make(chan struct{})
	k.cancel, k.done = cancel, done
	go func() {
		defer close(ended)
		done <- New(k.Engine, k.target, k.Job(k.id), log.New(k.t.Output(), "keep: ", 0)).Run(ctx)
	}()
	k.t.Cleanup(func() { cancel(); <-ended })
}

// running is a job that runs, with its keeper.
func running(t *testing.T, change func(*enginetest.Engine)) *kept {
	t.Helper()
	t.Parallel()
	k := submitted(t, change)
	k.Start(k.id)
	k.keep()
	return k
}

func (k *kept) await(p Phase) Status {
	k.t.Helper()
	enginetest.Await(k.t, "the carrier is "+string(p), func() bool { return ReadStatus(k.target).Phase == p })
	return ReadStatus(k.target)
}

// awaitEnd waits for the keeper's end, after which nothing of it is left.
func (k *kept) awaitEnd() {
	k.t.Helper()
	if err := <-k.done; err != nil {
		k.t.Errorf("keep ended with %v", err)
	}
	if s := ReadStatus(k.target); s.Phase != Ended && s != (Status{}) {
		k.t.Errorf("at the end the carrier is said to be %+v", s)
	}
	if left, _ := filepath.Glob(filepath.Join(k.target.Runtime, target.KeepPrefix+"*")); left != nil {
		k.t.Errorf("%q are left", left)
	}
	if k.target.Kept() || k.target.Standing() {
		k.t.Error("keep has ended, but its lock or its socket stands")
	}
	enginetest.Await(k.t, "all carriers have ended", func() bool { return k.Engine.Standing() == 0 })
}

func TestStands(t *testing.T) {
	k := running(t, nil)
	s := k.await(Standing)
	if s.Job != k.id || s.Pid != os.Getpid() || s.Since.IsZero() {
		t.Errorf("status %+v", s)
	}
	if !k.target.Standing() {
		t.Error("shims do not find the carrier")
	}
	conn, err := proxy.Dial(t.Context(), k.target.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if banner, err := bufio.NewReader(conn).ReadString('\n'); err != nil || banner != contract.Banner()+"\r\n" {
		t.Errorf("through the socket: %q, %v", banner, err)
	}
	if ways := k.Ways(); !slices.Equal(ways, []engine.Way{engine.Forward}) {
		t.Errorf("the ways are %v", ways)
	}
	k.Terminate(k.id, 0)
	k.awaitEnd()
}

// TestEndsWithoutLog: a job that was put out of sight by the loss of its log, and
// cannot be entered, is asked for after a while.
func TestEndsWithoutLog(t *testing.T) {
	t.Parallel()
	k := submitted(t, nil)
	keeper := New(k.Engine, k.target, k.Job(k.id), log.New(t.Output(), "keep: ", 0))
	for _, c := range []struct {
		removed bool
		without time.Duration
		want    bool
	}{{false, 0, false}, {false, askInterval, false}, {true, 0, false}, {true, askInterval, true}} {
		if c.removed {
			k.Abort(k.id, "via condor_rm (by user alice)")
		}
		keeper.asked, keeper.since = time.Time{}, time.Now().Add(-c.without)
		if got := keeper.gone(t.Context(), engine.ErrNotYet); got != c.want {
			t.Errorf("%+v: got %v", c, got)
		}
	}
}

// TestEndsWithTheJob, whichever way it is over.
func TestEndsWithTheJob(t *testing.T) {
	t.Parallel()
	for name, end := range map[string]func(*kept){
		"completed": func(k *kept) { k.Terminate(k.id, 1) },
		"removed":   func(k *kept) { k.Abort(k.id, "via condor_rm (by user alice)") },
		"evicted":   func(k *kept) { k.Evict(k.id, "vacated") },
		"held":      func(k *kept) { k.Hold(k.id, "via condor_hold (by user alice)") },
		"cancelled": func(k *kept) { k.cancel() },
	} {
		t.Run(name, func(t *testing.T) {
			k := running(t, nil)
			k.await(Standing)
			end(k)
			k.awaitEnd()
		})
	}
}

// TestHeldBeforeItRan is no end: it was released and runs now.
func TestHeldBeforeItRan(t *testing.T) {
	t.Parallel()
	k := submitted(t, nil)
	k.Hold(k.id, "submitted on hold at user's request")
	k.Note(k.id, userlog.Event{Number: userlog.Released, Reason: "via condor_release"})
	k.Start(k.id)
	k.keep()
	k.await(Standing)
}

func TestOpenedAgain(t *testing.T) {
	k := running(t, nil)
	for n := 1; n < 3; n++ {
		k.await(Standing)
		k.Break()
		enginetest.Await(t, "another carrier stands", func() bool { return len(k.Ways()) > n && k.target.Standing() })
	}
	if k.Asked() != 1 {
		t.Errorf("the queue was asked %d times, not once within half a minute", k.Asked())
	}
	for _, way := range k.Ways() {
		if way != engine.Forward {
			t.Errorf("the ways are %v: a broken one was good before", k.Ways())
		}
	}
}

// TestEntrypointEnded: HTCondor does not end a job in which a carrier is, so
// the carrier goes first.
func TestEntrypointEnded(t *testing.T) {
	k := running(t, nil)
	k.await(Standing)
	k.EndEntrypoint()
	enginetest.Await(t, "the carrier ends", func() bool { return ReadStatus(k.target).Phase == Opening })
	k.Terminate(k.id, 0)
	k.awaitEnd()
}

func TestNotYet(t *testing.T) {
	k := running(t, func(e *enginetest.Engine) { e.NotYet = 3 })
	k.await(Standing)
	if k.Asked() != 0 {
		t.Errorf("the queue was asked %d times about a job that only starts", k.Asked())
	}
}

// TestOtherWay is taken where forwarding cannot be had, or is refused: the one
// is known at once, the other from the want of a banner.
func TestOtherWay(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		change func(*enginetest.Engine)
		want   []engine.Way
	}{
		"none":    {func(e *enginetest.Engine) { e.NoForward = true }, []engine.Way{engine.PerConnection}},
		"refused": {func(e *enginetest.Engine) { e.RefuseForward = true }, []engine.Way{engine.Forward, engine.PerConnection}},
	} {
		t.Run(name, func(t *testing.T) {
			k := running(t, c.change)
			k.await(Standing)
			if got := k.Ways(); !slices.Equal(got, c.want) {
				t.Errorf("the ways are %v, want %v", got, c.want)
			}
		})
	}
}

// TestSilentJob neither answers nor hangs up; the other way is tried.
func TestSilentJob(t *testing.T) {
	k := running(t, func(e *enginetest.Engine) {
		e.Serve = func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)); conn.Close() }
	})
	enginetest.Await(t, "the other way is tried", func() bool { return slices.Contains(k.Ways(), engine.PerConnection) })
	if k.target.Standing() {
		t.Error("a carrier stands through which no banner came")
	}
}

func TestOtherContract(t *testing.T) {
	k := running(t, func(e *enginetest.Engine) { e.Serve = enginetest.Say("SSH-2.0-Perch_999") })
	s := k.await(Refused)
	if !strings.HasPrefix(s.Text, "the job's perch-entrypoint speaks contract 999, this perch speaks") {
		t.Errorf("it says %q", s.Text)
	}
	if k.target.Standing() {
		t.Error("a carrier to it stands")
	}
	if ways := k.Ways(); slices.Contains(ways, engine.PerConnection) {
		t.Errorf("another way was tried: %v", ways)
	}
}

// TestGoneFromTheQueue: the log says nothing, and the queue knows better.
func TestGoneFromTheQueue(t *testing.T) {
	k := running(t, nil)
	k.await(Standing)
	k.Vanish(k.id)
	k.Break()
	k.awaitEnd()
}

// TestScheddAway: a queue that does not answer is no reason to give up.
func TestScheddAway(t *testing.T) {
	k := running(t, nil)
	k.await(Standing)
	k.Fail(errors.New("failed to connect"))
	k.Break()
	enginetest.Await(t, "another carrier stands", func() bool { return len(k.Ways()) == 2 && k.target.Standing() })
}

// TestLogSaysNothing: the job is entered all the same, without its path.
func TestLogSaysNothing(t *testing.T) {
	t.Parallel()
	k := submitted(t, nil)
	k.Silence(k.id, engine.Running, "")
	k.keep()
	k.await(Standing)
}
