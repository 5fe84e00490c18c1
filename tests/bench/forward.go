package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"time"
)

// copyByForward copies through a forward (ssh -L) to a port of this machine.
func (s served) copyByForward(ctx context.Context, direction string, size int) (one sample, err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return one, err
	}
	defer l.Close()
	answered := make(chan error, 1)
	go func() { answered <- answer(l, size) }()
	near := filepath.Join(s.dir, "near")
	defer os.Remove(near)
	client := s.with("-N", "-o", "ExitOnForwardFailure=yes", "-L", near+":"+l.Addr().String())
	cmd := client.command(ctx, "")
	cmd.Args = cmd.Args[:len(cmd.Args)-1] // without a command
	if err := cmd.Start(); err != nil {
		return one, err
	}
	defer func() { err = errors.Join(err, kill(cmd)) }()
	if err := answers(near, time.Now().Add(startTime)); err != nil {
		return one, fmt.Errorf("waiting for the forward: %w", err)
	}
	one, err = s.copyOver(near, direction, size)
	l.Close()
	return one, errors.Join(err, <-answered)
}

func (s served) copyOver(near, direction string, size int) (one sample, err error) {
	conn, err := net.Dial("unix", near)
	if err != nil {
		return one, err
	}
	defer conn.Close()
	if _, err := fmt.Fprintln(conn, direction); err != nil {
		return one, err
	}
	from := bufio.NewReaderSize(conn, block)
	if direction == goesDown {
		return s.scoop(from, size)
	}
	return s.pour(&conversation{in: conn, out: from}, size)
}

// answer is at the far end of the forward. A connection that says nothing has
// only looked whether the way stands.
func answer(l net.Listener, size int) error {
	for {
		conn, err := l.Accept()
		if err != nil {
			return nil // closed
		}
		if err := answerOne(conn, size); err != nil {
			return err
		}
	}
}

func answerOne(conn net.Conn, size int) error {
	defer conn.Close()
	from := bufio.NewReaderSize(conn, block)
	line, _ := from.ReadString('\n')
	switch line {
	case goesDown + "\n":
		buf := make([]byte, block)
		for range size << 20 / block {
			if _, err := conn.Write(buf); err != nil {
				return err
			}
		}
	case goesUp + "\n":
		if _, err := fmt.Fprintln(conn, "ready"); err != nil {
			return err
		}
		if _, err := io.CopyN(io.Discard, from, int64(size)<<20); err != nil {
			return err
		}
		_, err := fmt.Fprintln(conn, "end")
		return err
	}
	return nil
}
