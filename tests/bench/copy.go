package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// The kinds of copies, and their directions as the client sees them.
const (
	kindPipe    = "pipe"
	kindFiles   = "sftp"
	kindForward = "-L"
	goesDown    = "down"
	goesUp      = "up"
)

var (
	kinds      = []string{kindPipe, kindFiles, kindForward}
	directions = []string{goesDown, goesUp}
)

func tableCopy(kind, direction string) string { return kind + " " + direction }

// clock starts to measure time and the server's own processor time. The server's
// processes have to be the same at its end.
func (s served) clock() func() sample {
	pids := s.pids()
	busy, began := ownBusy(pids), time.Now()
	return func() sample {
		took := time.Since(began).Seconds()
		return sample{took, ownBusy(pids) - busy}
	}
}

// copyWays are the ways to copy size MiB.
func (s served) copyWays(size int) map[string]measure {
	ways := map[string]measure{}
	for kind, how := range map[string]func(context.Context, string, int) (sample, error){
		kindPipe: s.copyByPipe, kindFiles: s.copyByFiles, kindForward: s.copyByForward,
	} {
		for _, direction := range directions {
			ways[tableCopy(kind, direction)] = measure{s.name, func(ctx context.Context) (sample, error) {
				return how(ctx, direction, size)
			}}
		}
	}
	return ways
}

// measureCopies measures all kinds, both ways.
func (s *servers) measureCopies(ctx context.Context, c *comparison) error {
	s.say("measuring copies of %d MiB", s.Size)
	return s.copyTables(ctx, c, "", s.both(), s.Size, bounds{s.Copies, 60 * time.Second, time.Minute})
}

func (s *servers) copyTables(ctx context.Context, c *comparison, prefix string, to []served, size int, b bounds) error {
	if err := s.writePayload(size); err != nil {
		return err
	}
	for _, kind := range kinds {
		for _, direction := range directions {
			name := tableCopy(kind, direction)
			var measures []measure
			for _, w := range to {
				measures = append(measures, w.copyWays(size)[name])
			}
			if err := c.take(inTurns(ctx, prefix+name, b, measures)); err != nil {
				return err
			}
		}
	}
	return nil
}

// conversation is a client whose two ends bench holds.
type conversation struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

func converse(cmd *exec.Cmd) (*conversation, error) {
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	cmd.Stderr = os.Stderr
	return &conversation{cmd, in, bufio.NewReaderSize(out, block)}, cmd.Start()
}

// expect reads the next line, which has to be line.
func (c *conversation) expect(line string) error {
	got, err := c.out.ReadString('\n')
	if got != line+"\n" {
		return fmt.Errorf("the other side says %q instead of %q: %w", got, line, err)
	}
	return nil
}

// end closes the client's input, whereupon it has to end well.
func (c *conversation) end() error { return errors.Join(c.in.Close(), c.cmd.Wait()) }

// copyByPipe copies through a command's stdin or stdout. The command stays until
// the clock has been read, and the server with it.
func (s served) copyByPipe(ctx context.Context, direction string, size int) (one sample, err error) {
	remote := fmt.Sprintf("dd if=/dev/zero bs=128k count=%d 2>/dev/null; read end || :", 8*size)
	if direction == goesUp {
		remote = fmt.Sprintf("echo ready; dd of=/dev/null bs=128k iflag=fullblock count=%d 2>/dev/null; echo end; read end || :", 8*size)
	}
	c, err := converse(s.command(ctx, remote))
	if err != nil {
		return one, err
	}
	if direction == goesUp {
		one, err = s.pour(c, size)
	} else {
		one, err = s.scoop(c.out, size)
	}
	return one, errors.Join(err, c.end())
}

// scoop reads size MiB, from the first byte on.
func (s served) scoop(from *bufio.Reader, size int) (one sample, err error) {
	if _, err := from.Peek(1); err != nil {
		return one, err
	}
	stop := s.clock()
	n, err := from.WriteTo(&bounded{left: size << 20})
	if n < int64(size)<<20 {
		return one, fmt.Errorf("%d bytes arrived instead of %d MiB: %w", n, size, err)
	}
	return stop(), nil
}

// bounded takes so many bytes and then says that it is full.
type bounded struct{ left int }

func (b *bounded) Write(p []byte) (int, error) {
	b.left -= len(p)
	if b.left <= 0 {
		return len(p), io.ErrShortWrite
	}
	return len(p), nil
}

// pour writes size MiB, from when the other side is ready to when it has them.
func (s served) pour(c *conversation, size int) (one sample, err error) {
	if err := c.expect("ready"); err != nil {
		return one, err
	}
	stop := s.clock()
	buf := make([]byte, block)
	for range size << 20 / block {
		if _, err := c.in.Write(buf); err != nil {
			return one, err
		}
	}
	err = c.expect("end")
	return stop(), err
}
