package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// block is how much bench reads or writes at once.
const block = 256 << 10

// receives measures how long size bytes from over there take, from the first to
// the last: opening the connection is another measurement.
func (w way) receives(size int64) measure {
	return measure{w.name, func(ctx context.Context) (float64, error) {
		cmd := w.command(ctx, fmt.Sprintf("head -c %d /dev/zero", size))
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		took, got, readErr := drain(out)
		if err := errors.Join(readErr, cmd.Wait()); err != nil {
			return 0, err
		}
		if got != size {
			return 0, fmt.Errorf("%d of %d bytes arrived", got, size)
		}
		return took.Seconds(), nil
	}}
}

func drain(r io.Reader) (took time.Duration, got int64, err error) {
	buf := make([]byte, block)
	n, err := r.Read(buf)
	began := time.Now()
	for ; err == nil; n, err = r.Read(buf) {
		got += int64(n)
	}
	if err == io.EOF {
		err = nil
	}
	return time.Since(began), got + int64(n), err
}

// sends measures how long size bytes to over there take, from when the other
// side is ready to when it has seen the last.
func (w way) sends(size int64) measure {
	return measure{w.name, func(ctx context.Context) (float64, error) {
		cmd := w.command(ctx, "echo ready; cat >/dev/null; echo end")
		in, err := cmd.StdinPipe()
		if err != nil {
			return 0, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return 0, err
		}
		if err := cmd.Start(); err != nil {
			return 0, err
		}
		took, err := send(in, out, size)
		return took.Seconds(), errors.Join(err, cmd.Wait())
	}}
}

func send(in io.WriteCloser, out io.Reader, size int64) (time.Duration, error) {
	answers := bufio.NewReader(out)
	if line, err := answers.ReadString('\n'); err != nil {
		return 0, fmt.Errorf("the other side says %q: %w", line, err)
	}
	began := time.Now()
	buf := make([]byte, block)
	for left := size; left > 0; left -= int64(len(buf)) {
		buf = buf[:min(left, block)]
		if _, err := in.Write(buf); err != nil {
			return 0, err
		}
	}
	if err := in.Close(); err != nil {
		return 0, err
	}
	line, err := answers.ReadString('\n')
	took := time.Since(began)
	if line != "end\n" {
		return 0, fmt.Errorf("the other side ends with %q: %w", line, err)
	}
	return took, nil
}
