package sshd

import (
	"errors"
	"io"

	"github.com/pkg/sftp"
)

// serveFiles runs the subsystem "sftp". It starts in the job home.
func (s *session) serveFiles() {
	defer s.finish()
	server, err := sftp.NewServer(files{reader{s.channel, s.conn.touch}, s.out}, sftp.WithServerWorkingDirectory(s.conn.server.Account.Home))
	if err == nil {
		err = server.Serve()
		server.Close()
	}
	code := 0
	if err != nil && !errors.Is(err, io.EOF) {
		s.conn.server.Log.Printf("serving sftp: %v", err)
		code = 1
	}
	s.sendStatus(code) // some clients take a close without a status for a failure
}

// files is the channel as the sftp server sees it. It does not close it: the
// exit status comes first.
type files struct {
	io.Reader
	io.Writer
}

func (files) Close() error { return nil }
