package sshd

import (
	"bufio"
	"fmt"

	"perch/entrypoint/contract"
)

// maxCommand bounds a line of Perch's own subsystem, in bytes.
const maxCommand = 4096

// serveControl runs Perch's own subsystem: each line a command, each answered
// by a line (see the contract).
func (s *session) serveControl() {
	lines := bufio.NewScanner(s.channel)
	lines.Buffer(nil, maxCommand)
	for lines.Scan() {
		switch command := lines.Text(); command {
		case contract.CommandStop:
			fmt.Fprintln(s.out, contract.ReplyOK)
			s.sendStatus(0)
			s.finish()
			// Who asked leaves by itself now; a disconnect would look like a
			// failure to it.
			within(farewell, func() { s.conn.ssh.Wait() })
			s.conn.server.Stop("it was asked to end")
			return
		default:
			fmt.Fprintf(s.out, "error: there is no command %.40q\n", command)
		}
	}
	code := 0
	if err := lines.Err(); err != nil {
		fmt.Fprintln(s.out, "error: this line is too long")
		code = 1
	}
	s.sendStatus(code)
	s.finish()
}
