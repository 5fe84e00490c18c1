package sshd

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// exitCannotRun is what shells return for a command that is not there.
const exitCannotRun = 127

func (s *session) runShell() {
	if greeting := s.conn.server.Greeting; greeting != nil && s.terminal != nil {
		io.WriteString(s.out, strings.ReplaceAll(greeting(), "\n", "\r\n"))
	}
	s.run(s.conn.server.Account.LoginShell(s.env))
}

func (s *session) runCommand(line string) { s.run(s.conn.server.Account.Command(line, s.env)) }

// run starts a command and returns; what is left to do goes on beside. A
// command that cannot be started is said on the session's stderr.
func (s *session) run(cmd *exec.Cmd, err error) {
	if err == nil {
		s.prepare(cmd)
		if s.terminal != nil {
			err = s.startOnTerminal(cmd)
		} else {
			err = s.startOnPipes(cmd)
		}
		for _, file := range cmd.ExtraFiles {
			file.Close()
		}
	}
	if err != nil {
		s.conn.server.Log.Printf("running a command: %v", err)
		fmt.Fprintf(s.err, "perch: running the command: %v\n", err)
		s.sendStatus(exitCannotRun)
		s.finish()
	}
}

// prepare completes the environment with what the session has.
func (s *session) prepare(cmd *exec.Cmd) {
	if s.agent != "" {
		cmd.Env = append(cmd.Env, "SSH_AUTH_SOCK="+s.agent)
	}
	if s.display != nil {
		cmd.Env = append(cmd.Env, s.display.environ()...)
	}
	if s.terminal != nil {
		cmd.Env = append(cmd.Env, "SSH_TTY="+s.terminal.Name)
		if s.term != "" {
			cmd.Env = append(cmd.Env, "TERM="+s.term)
		}
	}
}

func (s *session) startOnTerminal(cmd *exec.Cmd) error {
	t := s.terminal
	defer t.Peer.Close()
	cmd.Stdin, cmd.Stdout, cmd.Stderr = t.Peer, t.Peer, t.Peer
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := s.start(cmd); err != nil {
		return err
	}
	s.conn.do(func() { feed(t, s.in) })
	s.drain(cmd, map[*stream]io.ReadCloser{s.out: t})
	return nil
}

func (s *session) startOnPipes(cmd *exec.Cmd) error {
	var theirs, ours [3]*os.File
	defer func() {
		for _, end := range theirs {
			end.Close() // nil is fine
		}
	}()
	for i := range theirs {
		r, w, err := os.Pipe()
		if err != nil {
			closeAll(ours[:])
			return err
		}
		theirs[i], ours[i] = w, r
		if i == 0 {
			theirs[i], ours[i] = r, w
		}
	}
	cmd.Stdin, cmd.Stdout, cmd.Stderr = theirs[0], theirs[1], theirs[2]
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := s.start(cmd, ours[1], ours[2]); err != nil {
		closeAll(ours[:])
		return err
	}
	s.conn.do(func() {
		defer ours[0].Close()
		feed(ours[0], s.in)
	})
	s.drain(cmd, map[*stream]io.ReadCloser{s.out: ours[1], s.err: ours[2]})
	return nil
}

func closeAll(files []*os.File) {
	for _, f := range files {
		f.Close()
	}
}

// start starts the command; its ends of pipes are closed when the session is.
func (s *session) start(cmd *exec.Cmd, ends ...io.Closer) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := cmd.Start(); err != nil {
		return err
	}
	s.process = cmd.Process
	s.closers = ends
	return nil
}

// drain sends the command's output, and ends the session with the command. On
// the wire go the exit status, the rest of the output, EOF, close, as from
// sshd. A pipe ends when the last process has closed it, which may be long after
// the command's end; a terminal is hung up then.
func (s *session) drain(cmd *exec.Cmd, outputs map[*stream]io.ReadCloser) {
	var sent sync.WaitGroup
	for to, from := range outputs {
		// When the peer takes no more, hangUp closes the pipe and the command
		// gets SIGPIPE, as with sshd.
		sent.Go(func() {
			err := copyChunks(counted{to, &s.writing}, reader{from, func() { s.moved.Add(1) }})
			alone := s.leftAlone()
			if alone {
				_, _ = io.Copy(io.Discard, from)
			}
			if alone || err == nil {
				from.Close()
			}
		})
	}
	go func() {
		cmd.Wait() // what it says stands in ProcessState
		s.mu.Lock()
		s.process = nil
		s.mu.Unlock()
		s.sendExit(cmd.ProcessState.Sys().(syscall.WaitStatus))
		if s.terminal != nil {
			s.terminal.Ended()
		}
		all := make(chan struct{})
		go func() { defer close(all); sent.Wait() }()
		s.awaitOutput(all)
		s.finish()
	}()
}

// awaitOutput waits until all output is sent. Where something that the command
// left behind holds it open, and says nothing for long, it is left alone: other
// than by sshd, which waits for ever, and other than when the client goes, it
// does not get SIGPIPE.
func (s *session) awaitOutput(all <-chan struct{}) {
	limit := s.conn.server.bounds.silence
	tick := time.NewTicker(limit)
	defer tick.Stop()
	for before := s.moved.Load(); ; before = s.moved.Load() {
		select {
		case <-all:
			return
		case <-tick.C:
		}
		// Where the client reads nothing, it is not the command that is silent.
		if s.moved.Load() == before && s.writing.Load() == 0 {
			break
		}
	}
	s.tell(fmt.Sprintf("perch: what the command left running has said nothing for %v; it runs on, its output is not shown any more", limit))
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closers, s.alone = nil, true
}

// counted is a writer that says how many write just now.
type counted struct {
	io.Writer
	writing *atomic.Int32
}

func (c counted) Write(p []byte) (int, error) {
	c.writing.Add(1)
	defer c.writing.Add(-1)
	return c.Writer.Write(p)
}

func (s *session) leftAlone() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.alone
}
