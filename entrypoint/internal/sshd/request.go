package sshd

import (
	"errors"
	"strings"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/internal/tty"
)

// ptyRequest is what a peer wants of a terminal (RFC 4254, 6.2).
type ptyRequest struct {
	Term  string
	Size  tty.Size
	Modes tty.Modes
}

func parsePTY(payload []byte) (ptyRequest, error) {
	var m struct {
		Term                         string
		Columns, Rows, Width, Height uint32
		Modes                        string
	}
	if err := ssh.Unmarshal(payload, &m); err != nil {
		return ptyRequest{}, err
	}
	if len(m.Term) > 256 || strings.IndexByte(m.Term, 0) >= 0 {
		return ptyRequest{}, errors.New("this is no terminal's name")
	}
	return ptyRequest{m.Term, tty.Size{Columns: m.Columns, Rows: m.Rows, Width: m.Width, Height: m.Height}, tty.ParseModes([]byte(m.Modes))}, nil
}

// parseSize reads a "window-change" (RFC 4254, 6.7).
func parseSize(payload []byte) (tty.Size, error) {
	var size tty.Size
	err := ssh.Unmarshal(payload, &size)
	return size, err
}

// parseEnv reads an "env" (RFC 4254, 6.4).
func parseEnv(payload []byte) (name, value string, err error) {
	var m struct{ Name, Value string }
	err = ssh.Unmarshal(payload, &m)
	return m.Name, m.Value, err
}

// parseString reads the payload of requests with one string: "exec",
// "subsystem" (RFC 4254, 6.5) and "signal" (6.9). A string for a program cannot
// hold a zero byte.
func parseString(payload []byte) (string, error) {
	var m struct{ Text string }
	if err := ssh.Unmarshal(payload, &m); err != nil {
		return "", err
	}
	if strings.IndexByte(m.Text, 0) >= 0 {
		return "", errors.New("a zero byte in a string for a program")
	}
	return m.Text, nil
}
