package run

import (
	"bufio"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
	"perch/shim/internal/engine/enginetest"
	"perch/shim/internal/keys"
	"perch/shim/internal/target"
)

// control is an entrypoint's side that takes one command of Perch's over real
// SSH, and answers it. after is called when the asker has gone.
func (s *site) control(answer func(command string) string, after func()) func(net.Conn) {
	return func(raw net.Conn) {
		defer raw.Close()
		host, err := os.ReadFile(filepath.Join(s.target().State, contract.HostKeyFile))
		if err != nil {
			return // the folder has gone with the test
		}
		signer, err := ssh.ParsePrivateKey(host)
		if err != nil {
			s.t.Error(err)
			return
		}
		server := &ssh.ServerConfig{ServerVersion: contract.Banner(), PublicKeyCallback: s.permit}
		server.AddHostKey(signer)
		conn, channels, requests, err := ssh.NewServerConn(raw, server)
		if err != nil {
			return // whoever only looked at the banner
		}
		defer conn.Close()
		go ssh.DiscardRequests(requests)
		for ch := range channels {
			channel, asked, err := ch.Accept()
			if err != nil {
				return
			}
			subsystem(channel, asked, answer)
		}
		after()
	}
}

// permit lets the user's key in, under the name of Perch itself.
func (s *site) permit(meta ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
	lines, err := os.ReadFile(filepath.Join(s.target().State, contract.AuthorizedKeysFile))
	if err != nil {
		return nil, err
	}
	allowed, _, _, _, err := ssh.ParseAuthorizedKey(lines)
	if err != nil || meta.User() != contract.ControlUser || string(allowed.Marshal()) != string(key.Marshal()) {
		return nil, os.ErrPermission
	}
	return nil, nil
}

func subsystem(channel ssh.Channel, asked <-chan *ssh.Request, answer func(string) string) {
	defer channel.Close()
	for r := range asked {
		named := r.Type == "subsystem" && strings.HasSuffix(string(r.Payload), contract.Subsystem)
		_ = r.Reply(named, nil)
		if !named {
			continue
		}
		command, err := bufio.NewReader(channel).ReadString('\n')
		if err == nil {
			_, _ = channel.Write([]byte(answer(strings.TrimSuffix(command, "\n"))))
		}
		return
	}
}

// TestStopAsks the job to end by itself, so that its output comes back.
func TestStopAsks(t *testing.T) {
	s := newSite(t)
	s.engine.Serve = s.control(func(command string) string {
		if command != contract.CommandStop {
			t.Errorf("the command is %q", command)
		}
		return contract.ReplyOK + "\n"
	}, func() { s.engine.Terminate("1.0", contract.ExitOK) })
	s.up()
	if err := s.Stop(t.Context(), s.jdl, time.Minute); err != nil {
		t.Fatal(err)
	}
	s.reads("job 1.0 (a) has ended")
	if got := s.engine.Removals(); got != nil {
		t.Errorf("it was removed: %q", got)
	}
	if err := s.Stop(t.Context(), s.jdl, time.Minute); err != nil {
		t.Fatal(err)
	}
	s.reads("a has no job")
}

// TestStopAsksBeside a carrier that has broken, which nobody knows yet.
func TestStopAsksBeside(t *testing.T) {
	s := newSite(t)
	control := s.control(func(string) string { return contract.ReplyOK + "\n" }, func() { s.engine.Terminate("1.0", contract.ExitOK) })
	var broken atomic.Bool
	s.engine.Serve = func(conn net.Conn) {
		if broken.Load() && filepath.Base(conn.LocalAddr().String()) == target.CarrierSocket {
			conn.Close()
			return
		}
		control(conn)
	}
	s.up()
	broken.Store(true)
	if err := s.Stop(t.Context(), s.jdl, time.Minute); err != nil {
		t.Fatal(err)
	}
	s.reads("job 1.0 (a) has ended")
	if got := s.engine.Removals(); got != nil {
		t.Errorf("it was removed: %q", got)
	}
	if left, _ := filepath.Glob(filepath.Join(s.target().Runtime, "stop*")); left != nil {
		t.Errorf("%q are left", left)
	}
}

// TestStopRemoves what cannot be asked, or does not do as it says.
func TestStopRemoves(t *testing.T) {
	for _, c := range []struct{ name, answer, said string }{
		{"says ok and stays", contract.ReplyOK + "\n", "job 1.0 has not ended within 10ms; removing it"},
		{"refuses", "error: no\n", `job 1.0 cannot be asked to end (it answers "error: no"); removing it`},
		{"says nothing", "", "job 1.0 cannot be asked to end ("},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newSite(t)
			s.engine.Serve = s.control(func(string) string { return c.answer }, func() {})
			s.up()
			if err := s.Stop(t.Context(), s.jdl, 10*time.Millisecond); err != nil {
				t.Fatal(err)
			}
			s.reads(c.said, "job 1.0 (a) was removed")
			if got := s.engine.Removals(); !slices.Equal(got, []string{"1.0 " + StopReason}) {
				t.Errorf("removed %q", got)
			}
		})
	}
}

// TestStopWaitsForOutput for as long as HTCondor transfers it: a removal would
// lose it.
func TestStopWaitsForOutput(t *testing.T) {
	s := newSite(t)
	s.engine.Serve = s.control(func(string) string { return contract.ReplyOK + "\n" }, func() {
		log, err := os.OpenFile(s.engine.Job("1.0").Log, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			return // the folder has gone with the test
		}
		defer log.Close()
		fmt.Fprint(log, "040 (001.000.000) 2026-11-24 13:08:08 Started transferring output files\n...\n")
	})
	s.up()
	done := make(chan error, 1)
	go func() { done <- s.Stop(t.Context(), s.jdl, time.Second) }()
	enginetest.Await(t, "it is said", func() bool {
		said, err := os.ReadFile(s.said.Name())
		return err == nil && strings.Contains(string(said), "job 1.0 transfers its output; waiting for that")
	})
	s.engine.Terminate("1.0", contract.ExitOK)
	if err := <-done; err != nil || s.engine.Removals() != nil {
		t.Errorf("%v, removed %q", err, s.engine.Removals())
	}
	s.reads("job 1.0 (a) has ended")
}

// TestStopHeld: an output that cannot be transferred holds the job, and may be
// saved yet.
func TestStopHeld(t *testing.T) {
	s := newSite(t)
	s.engine.Serve = s.control(func(string) string { return contract.ReplyOK + "\n" }, func() { s.engine.Hold("1.0", "no such file out") })
	s.up()
	err := s.Stop(t.Context(), s.jdl, time.Minute)
	if err == nil || !strings.Contains(err.Error(), "job 1.0 is held since ") || !strings.Contains(err.Error(), "no such file out") || s.engine.Removals() != nil {
		t.Errorf("%v, removed %q", err, s.engine.Removals())
	}
}

// TestStopWaiting jobs, for which nobody was there, and one whose key is lost.
func TestStopWaiting(t *testing.T) {
	for _, state := range []engine.State{engine.Idle, engine.Held, engine.Running} {
		s := newSite(t)
		s.engine.Submitted = nil
		j, err := s.engine.Submit(t.Context(), engine.Submission{Target: s.target().Hash})
		if err != nil {
			t.Fatal(err)
		}
		s.engine.Silence(j.ID, state, "")
		if err := s.Stop(t.Context(), s.jdl, time.Minute); err != nil {
			t.Errorf("%s: %v", state, err)
		}
		s.reads("job 1.0 (a) was removed")
	}
}

func TestLogs(t *testing.T) {
	s := newSite(t)
	if _, err := s.Logs(s.jdl); err == nil || !strings.Contains(err.Error(), "a has no logs; it never had a job here") {
		t.Errorf("before any job: %v", err)
	}
	s.up()
	tg := s.target()
	files, err := s.Logs(s.jdl)
	if err != nil || !slices.Equal(files, []string{tg.LogPath()}) {
		t.Errorf("got %q, %v", files, err)
	}
	n := tg.Note()
	n.Job.Log = s.jdl // a log that the submit description names
	if err := tg.WriteNote(n); err != nil {
		t.Fatal(err)
	}
	keepLog := filepath.Join(tg.State, target.KeepLog)
	if err := os.WriteFile(keepLog, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if files, err := s.Logs(s.jdl); err != nil || !slices.Equal(files, []string{s.jdl, keepLog}) {
		t.Errorf("got %q, %v", files, err)
	}
	if _, err := os.Stat(filepath.Join(tg.State, keys.KnownHosts)); err != nil {
		t.Error(err)
	}
}
