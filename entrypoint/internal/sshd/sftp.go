package sshd

import (
	"errors"
	"fmt"
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
	if filter.ended != nil {
		err = filter.ended // pkg/sftp has wrapped it
	}
	code := 0
	if err != nil && !errors.Is(err, io.EOF) {
		s.conn.server.Log.Printf("serving sftp: %v", err)
		s.tell(fmt.Sprintf("perch: ending sftp: %v", err))
		code = 1
	}
	s.sendStatus(code) // some clients take a close without a status for a failure
}
