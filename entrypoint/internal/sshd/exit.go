package sshd

import (
	"syscall"

	"golang.org/x/crypto/ssh"
)

// signalNumbers are the signals that have names in SSH (RFC 4254, 6.10).
var signalNumbers = map[string]syscall.Signal{
	"ABRT": syscall.SIGABRT, "ALRM": syscall.SIGALRM, "FPE": syscall.SIGFPE,
	"HUP": syscall.SIGHUP, "ILL": syscall.SIGILL, "INT": syscall.SIGINT,
	"KILL": syscall.SIGKILL, "PIPE": syscall.SIGPIPE, "QUIT": syscall.SIGQUIT,
	"SEGV": syscall.SIGSEGV, "TERM": syscall.SIGTERM,
	"USR1": syscall.SIGUSR1, "USR2": syscall.SIGUSR2,
}

// signalName is the name of a signal in SSH. Others than those of the RFC get
// one of the form that it leaves to implementations.
func signalName(number syscall.Signal) string {
	for name, n := range signalNumbers {
		if n == number {
			return name
		}
	}
	return "SIG@openssh.com"
}

// sendExit says how the command has ended: exit-status or exit-signal.
func (s *session) sendExit(status syscall.WaitStatus) {
	if !status.Signaled() {
		s.sendStatus(status.ExitStatus())
		return
	}
	s.channel.SendRequest("exit-signal", false, ssh.Marshal(struct {
		Name              string
		CoreDumped        bool
		Message, Language string
	}{signalName(status.Signal()), status.CoreDump(), status.Signal().String(), "en"}))
}

func (s *session) sendStatus(code int) {
	s.channel.SendRequest("exit-status", false, ssh.Marshal(struct{ Code uint32 }{uint32(code)}))
}
