package sshd

import (
	"errors"
	"io"

	"github.com/pkg/sftp"
)

// serveFiles runs the subsystem "sftp". It starts in the job home.
func (s *session) serveFiles() {
	defer s.finish()
	home := s.conn.server.Account.Home
	filter := newFilter(reader{s.channel, s.conn.touch}, s.out, home)
	filter.full = s.conn.full
	server, err := sftp.NewServer(filter, sftp.WithServerWorkingDirectory(home))
	if err == nil {
		err = server.Serve()
		server.Close()
	}
	filter.flush()
	code := 0
	if err != nil && !errors.Is(err, io.EOF) {
		s.conn.server.Log.Printf("serving sftp: %v", err)
		code = 1
	}
	s.sendStatus(code) // some clients take a close without a status for a failure
}
