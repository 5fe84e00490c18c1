package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"time"
)

// block is how much bench reads or writes at once. It divides a MiB.
const block = 256 << 10

// receives measures how long size MiB from over there take, from the first byte
// to the last: opening the connection is another measurement.
func (w way) receives(size int) measure {
	return measure{w.name, func(ctx context.Context) (one sample, err error) {
		cmd := w.command(ctx, fmt.Sprintf("dd if=/dev/zero bs=128k count=%d 2>/dev/null", 8*size))
		out, err := cmd.StdoutPipe()
		if err != nil {
			return one, err
		}
		if err := cmd.Start(); err != nil {
			return one, err
		}
		one, got, err := drain(out)
		if err := errors.Join(err, cmd.Wait()); err != nil {
			return one, err
		}
		if got != size<<20 {
			return one, fmt.Errorf("%d bytes arrived instead of %d MiB", got, size)
		}
		return one, nil
	}}
}

func drain(r io.Reader) (one sample, got int, err error) {
	buf := make([]byte, block)
	n, err := r.Read(buf)
	stop := startClock()
	for ; err == nil; n, err = r.Read(buf) {
		got += n
	}
	if err == io.EOF {
		err = nil
	}
	return stop(), got + n, err
}

// startClock returns what says how much time and processor time have gone.
func startClock() func() sample {
	busy, began := poolBusy(), time.Now()
	return func() sample {
		took := time.Since(began).Seconds()
		return sample{took, poolBusy() - busy}
	}
}

// sends measures how long size MiB to over there take, from when the other side
// is ready to when it has seen the last byte.
func (w way) sends(size int) measure {
	return measure{w.name, func(ctx context.Context) (one sample, err error) {
		cmd := w.command(ctx, "echo ready; cat >/dev/null; echo end")
		in, err := cmd.StdinPipe()
		if err != nil {
			return one, err
		}
		out, err := cmd.StdoutPipe()
		if err != nil {
			return one, err
		}
		if err := cmd.Start(); err != nil {
			return one, err
		}
		one, err = fill(in, bufio.NewReader(out), size)
		return one, errors.Join(err, cmd.Wait())
	}}
}

func fill(in io.WriteCloser, answers *bufio.Reader, size int) (one sample, err error) {
	defer in.Close() // a second time is an error that says nothing
	if line, err := answers.ReadString('\n'); err != nil {
		return one, fmt.Errorf("the other side says %q: %w", line, err)
	}
	stop := startClock()
	buf := make([]byte, block)
	for range size << 20 / block {
		if _, err := in.Write(buf); err != nil {
			return one, err
		}
	}
	if err := in.Close(); err != nil {
		return one, err
	}
	if line, err := answers.ReadString('\n'); line != "end\n" {
		return one, fmt.Errorf("the other side ends with %q: %w", line, err)
	}
	return stop(), nil
}
