package sshd

import (
	"errors"
	"io"
)

// serveFiles runs the subsystem "sftp". It starts in the job home.
func (s *session) serveFiles() {
	defer s.finish()
	filter := newFilter(s.in, s.out, s.conn.server.Account.Home)
	filter.full = s.conn.full
	server, err := filter.server()
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
