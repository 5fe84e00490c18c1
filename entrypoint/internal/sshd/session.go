package sshd

import (
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
	"syscall"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/login"
	"perch/entrypoint/internal/tty"
)

// session is a channel of type "session" (RFC 4254, 6): at first a collection of
// wishes, then one running command, shell or subsystem.
type session struct {
	conn     *conn
	channel  ssh.Channel
	in       *input
	out, err *stream

	// These belong to the goroutine that answers requests.
	env      map[string]string
	envBytes int
	term     string // TERM
	agent    string // SSH_AUTH_SOCK
	display  *display
	started  bool

	begun bool // for notices; belongs to conn.mu

	// answering is held until a request has its answer: the channel is not closed
	// before, though the request, a signal, may have ended the command.
	answering sync.Mutex

	moved   atomic.Uint64 // how often output was read
	writing atomic.Int32  // how many write it to the peer

	mu       sync.Mutex
	terminal *tty.Terminal
	process  *os.Process // while it runs
	closers  []io.Closer // our ends of the command's pipes
	alone    bool        // what is left of the command may write to nobody
}

// openSession accepts a session and serves it until its channel is closed.
func (c *conn) openSession(channel ssh.NewChannel) {
	if !c.reserveSession() {
		channel.Reject(ssh.ResourceShortage, fmt.Sprintf("this connection has %d sessions, which is the limit; close some, or use another connection", maxSessions))
		return
	}
	s := &session{conn: c, env: map[string]string{}}
	defer c.releaseSession(s)
	accepted, requests, err := channel.Accept()
	if err != nil {
		return
	}
	s.channel, s.in = accepted, c.input(accepted)
	defer c.dropInput(s.in)
	s.out = &stream{w: accepted, touch: c.touch}
	s.err = &stream{w: accepted.Stderr(), touch: c.touch}
	c.mu.Lock()
	c.sessions[s] = true
	c.mu.Unlock()
	defer s.hangUp()
	defer s.closeDisplay()
	s.answerRequests(requests)
}

func (c *conn) reserveSession() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.sessionCount >= maxSessions {
		return false
	}
	c.sessionCount++
	return true
}

func (c *conn) releaseSession(s *session) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.sessions, s)
	c.sessionCount--
}

// answerRequests answers the channel's requests until it is closed. What a
// request starts begins after the answer, which has to come before any output.
func (s *session) answerRequests(requests <-chan *ssh.Request) {
	for request := range requests {
		s.answering.Lock()
		ok, start := s.answer(request.Type, request.Payload)
		request.Reply(ok, nil)
		s.answering.Unlock()
		if start != nil {
			s.showNotices()
			start()
		}
	}
}

func (s *session) answer(kind string, payload []byte) (ok bool, start func()) {
	if s.conn.control && kind != "subsystem" {
		return false, nil
	}
	switch kind {
	case "env":
		return s.setEnv(payload), nil
	case "pty-req":
		return s.openTerminal(payload), nil
	case "window-change":
		return s.resize(payload), nil
	case "signal":
		return s.signal(payload), nil
	case "eow@openssh.com":
		s.closeOutput()
		return true, nil
	case "break":
		return s.sendBreak(), nil
	case "auth-agent-req@openssh.com":
		return s.forwardAgent(), nil
	case "x11-req":
		return s.forwardX11(payload), nil
	case "shell", "exec", "subsystem":
		return s.begin(kind, payload)
	}
	return false, nil
}

// begin decides what the session runs; it may run one thing only.
func (s *session) begin(kind string, payload []byte) (ok bool, start func()) {
	if s.started {
		return false, nil
	}
	switch kind {
	case "shell":
		start = s.runShell
	case "exec":
		line, err := parseString(payload)
		if err != nil {
			return false, nil
		}
		start = func() { s.runCommand(line) }
	case "subsystem":
		name, err := parseString(payload)
		if err != nil {
			return false, nil
		}
		start = s.subsystem(name)
	}
	s.started = start != nil
	return s.started, start
}

// subsystem returns what runs the subsystem called name, or nil.
func (s *session) subsystem(name string) func() {
	switch {
	case name == contract.Subsystem:
		return func() { s.conn.do(s.serveControl) }
	case name == "sftp" && !s.conn.control:
		return func() { s.conn.do(s.serveFiles) }
	}
	return nil
}

// Bounds on what a session may put into the environment.
const (
	maxEnv      = 512
	maxEnvBytes = 256 << 10
)

func (s *session) setEnv(payload []byte) bool {
	name, value, err := parseEnv(payload)
	if err != nil || s.started || !login.Acceptable(name, value) {
		return false
	}
	s.envBytes += len(name) + len(value) + 2
	if len(s.env) >= maxEnv || s.envBytes > maxEnvBytes {
		s.conn.notice("dropping some of the variables that are sent: a session takes %d with %d KiB", maxEnv, maxEnvBytes>>10)
		return false
	}
	s.env[name] = value
	return true
}

func (s *session) forwardAgent() bool {
	path, err := s.conn.server.agents.add(s.conn)
	if err != nil {
		s.conn.notice("the agent is not forwarded: %v", err)
		return false
	}
	s.agent = path
	return true
}

func (s *session) openTerminal(payload []byte) bool {
	request, err := parsePTY(payload)
	if err != nil || s.started || s.terminal != nil {
		return false
	}
	terminal, err := tty.Open(request.Size, request.Modes)
	if err != nil {
		s.conn.server.Log.Print(err)
		return false
	}
	s.term = request.Term
	s.mu.Lock()
	defer s.mu.Unlock()
	s.terminal = terminal
	return true
}

func (s *session) resize(payload []byte) bool {
	size, err := parseSize(payload)
	if err != nil || s.terminal == nil {
		return false
	}
	return s.terminal.SetSize(size) == nil
}

// sendBreak does what a break does to a terminal (RFC 4335). How long it lasts
// means nothing to a pseudo-terminal.
func (s *session) sendBreak() bool {
	return s.terminal != nil && s.terminal.Break() == nil
}

// signal sends a signal to the command's process group, as sshd does.
func (s *session) signal(payload []byte) bool {
	name, err := parseString(payload)
	number, known := signalNumbers[name]
	if err != nil || !known {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.process == nil {
		return false
	}
	return syscall.Kill(-s.process.Pid, number) == nil
}

// hangUp ends what the session holds when its channel is closed. A terminal is
// hung up, which its processes get as SIGHUP; a command without one lives on,
// as with sshd: an IDE's server has to survive a lost connection.
func (s *session) hangUp() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.terminal != nil {
		s.terminal.Peer.Close()
		s.terminal.Close()
	}
	for _, end := range s.closers {
		end.Close()
	}
}

// closeOutput has the command get SIGPIPE when it writes on: nobody reads any
// more on the peer's side (OpenSSH's PROTOCOL, 2.1). A terminal stays.
func (s *session) closeOutput() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.closers) > 0 {
		s.closers[0].Close()
	}
}

// finish ends the channel after everything was sent: EOF, then close.
func (s *session) finish() {
	s.answering.Lock()
	defer s.answering.Unlock()
	s.out.mu.Lock()
	s.err.mu.Lock()
	defer s.out.mu.Unlock()
	defer s.err.mu.Unlock()
	s.channel.CloseWrite()
	s.channel.Close()
}

// tell shows a line of Perch's own: on the terminal, else on stderr.
func (s *session) tell(line string) {
	s.mu.Lock()
	terminal := s.terminal != nil
	s.mu.Unlock()
	if terminal {
		io.WriteString(s.out, "\r\n"+line+"\r\n")
	} else {
		io.WriteString(s.err, line+"\n")
	}
}
