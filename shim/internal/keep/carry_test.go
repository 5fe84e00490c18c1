package keep

import (
	"errors"
	"io"
	"net"
	"sync/atomic"
	"testing"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine/enginetest"
	"perch/shim/internal/proxy"
)

// TestSessionsOutliveALook: where each connection is a session of its own, one
// that cannot be made says nothing about the others.
func TestSessionsOutliveALook(t *testing.T) {
	var away atomic.Bool
	kick := make(chan struct{})
	k := running(t, func(e *enginetest.Engine) {
		e.NoForward = true
		e.Serve = func(conn net.Conn) {
			defer conn.Close()
			if away.Load() {
				return
			}
			_, _ = io.WriteString(conn, contract.Banner()+"\r\n")
			var spoken atomic.Bool
			go func() {
				<-kick
				if !spoken.Load() { // which is keep, that only listens
					conn.Close()
				}
			}()
			if _, err := conn.Read(make([]byte, 1)); err == nil {
				spoken.Store(true)
				_, _ = io.Copy(conn, conn)
			}
		}
	})
	k.await(Standing)
	session, err := proxy.Dial(t.Context(), k.target.Socket())
	if err != nil {
		t.Fatal(err)
	}
	defer session.Close()
	if _, err := io.WriteString(session, "xy"); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(session, make([]byte, len(contract.Banner()+"\r\ny"))); err != nil {
		t.Fatal(err)
	}
	away.Store(true)
	close(kick)
	enginetest.Await(t, "shims are kept away", func() bool { return !k.target.Standing() })
	time.Sleep(3 * retry) // for a second look, and a third
	if k.Engine.Standing() != 1 {
		t.Error("the carrier was ended, and all sessions with it")
	}
	away.Store(false)
	enginetest.Await(t, "shims find the carrier again", k.target.Standing)
	if ways := k.Ways(); len(ways) != 1 {
		t.Errorf("the ways are %v", ways)
	}
}

// TestDiesWhenProved: a job that ends right after its carrier was proved lets
// nobody in any more, though HTCondor leaves the next connection without an answer.
func TestDiesWhenProved(t *testing.T) {
	var conns atomic.Int32
	kick := make(chan struct{})
	k := running(t, func(e *enginetest.Engine) {
		e.NoForward = true
		e.Serve = func(conn net.Conn) {
			if conns.Add(1) > 1 {
				return
			}
			_, _ = io.WriteString(conn, contract.Banner()+"\r\n")
			<-kick
			conn.Close()
		}
	})
	k.await(Standing)
	close(kick)
	enginetest.Await(t, "shims are kept away", func() bool { return !k.target.Standing() })
}

// TestBusy: a job that has no place for a new login stays within reach, and so do
// the sessions in it.
func TestBusy(t *testing.T) {
	var busy atomic.Bool
	looks := make(chan bool, 100)
	busy.Store(true)
	k := running(t, func(e *enginetest.Engine) {
		e.Serve = func(conn net.Conn) {
			defer conn.Close()
			select {
			case looks <- true:
			default:
			}
			if busy.Load() {
				_, _ = io.WriteString(conn, contract.Refusal+"too many logins\r\n")
				return
			}
			_, _ = io.WriteString(conn, contract.Banner()+"\r\n")
			_, _ = io.Copy(io.Discard, conn)
		}
	})
	k.await(Standing)
	for range 3 {
		<-looks
	}
	if _, err := proxy.Dial(t.Context(), k.target.Socket()); !errors.Is(err, contract.ErrBusy) {
		t.Errorf("a shim is told %v", err)
	}
	busy.Store(false)
	enginetest.Await(t, "a shim gets in", func() bool {
		conn, err := proxy.Dial(t.Context(), k.target.Socket())
		if err == nil {
			conn.Close()
		}
		return err == nil
	})
	if ways := k.Ways(); len(ways) != 1 || k.Engine.Standing() != 1 {
		t.Errorf("the ways are %v, %d carriers stand", ways, k.Engine.Standing())
	}
}

func TestRetryAfter(t *testing.T) {
	for after, want := range map[time.Duration]time.Duration{
		0: retry, 5 * time.Second: retry, time.Minute: time.Second, time.Hour: maxRetry,
	} {
		if got := retryAfter(after); got != want {
			t.Errorf("after %v: %v, want %v", after, got, want)
		}
	}
}
