package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// openStream returns f as something whose Read and Write end with ctx. f is
// left as it is: it is shared with other processes, for which fcntl(2) would
// make it non-blocking, too.
func openStream(ctx context.Context, f *os.File, flag int) (io.ReadWriteCloser, error) {
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("looking at %s: %w", f.Name(), err)
	}
	if info.Mode()&(os.ModeNamedPipe|os.ModeCharDevice) != 0 {
		// A pipe or terminal can be opened a second time by itself, and then
		// Go can wait for it, and splice(2). That fails if it is another
		// user's.
		path := fmt.Sprintf("/proc/self/fd/%d", f.Fd())
		if again, err := os.OpenFile(path, flag|unix.O_NONBLOCK|unix.O_NOCTTY, 0); err == nil {
			context.AfterFunc(ctx, func() { again.SetDeadline(time.Unix(1, 0)) })
			return again, nil
		}
	}
	return newStream(ctx, int(f.Fd()), info.Mode()&os.ModeSocket != 0)
}

// stream reads and writes a blocking descriptor, and asks poll(2) first.
type stream struct {
	fd     int
	stop   *os.File // at its end when there is nothing more to do
	socket bool
}

func newStream(ctx context.Context, fd int, socket bool) (*stream, error) {
	stop, ended, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("opening a pipe: %w", err)
	}
	context.AfterFunc(ctx, func() { ended.Close() })
	return &stream{fd: fd, stop: stop, socket: socket}, nil
}

var errStopped = errors.New("stopped")

// wait blocks until the descriptor is ready, or has an error to tell.
func (s *stream) wait(events int16) error {
	fds := []unix.PollFd{{Fd: int32(s.fd), Events: events}, {Fd: int32(s.stop.Fd()), Events: unix.POLLIN}}
	for {
		_, err := unix.Poll(fds, -1)
		switch {
		case err == unix.EINTR:
		case err != nil:
			return err
		case fds[1].Revents != 0:
			return errStopped
		default:
			return nil
		}
	}
}

// Read implements io.Reader.
func (s *stream) Read(p []byte) (int, error) {
	for {
		if err := s.wait(unix.POLLIN); err != nil {
			return 0, err
		}
		n, err := unix.Read(s.fd, p)
		switch {
		case err == unix.EINTR || err == unix.EAGAIN:
		case err != nil:
			return 0, err
		case n == 0 && len(p) > 0:
			return 0, io.EOF
		default:
			return n, nil
		}
	}
}

// Write implements io.Writer.
func (s *stream) Write(p []byte) (written int, err error) {
	for written < len(p) {
		if err := s.wait(unix.POLLOUT); err != nil {
			return written, err
		}
		n, err := s.write(p[written:])
		if err == unix.EINTR || err == unix.EAGAIN {
			continue
		}
		if err != nil {
			return written, err
		}
		written += n
	}
	return written, nil
}

// pipeBuf is PIPE_BUF of pipe(7): so much fits into a pipe that is ready.
const pipeBuf = 4096

// write writes what the descriptor takes without blocking; only a terminal of
// another user's may block here, while it is stopped.
func (s *stream) write(p []byte) (int, error) {
	if s.socket {
		return unix.SendmsgN(s.fd, p, nil, nil, unix.MSG_DONTWAIT|unix.MSG_NOSIGNAL)
	}
	return unix.Write(s.fd, p[:min(len(p), pipeBuf)])
}

// Close implements io.Closer. The descriptor stays open: it is not the stream's.
func (s *stream) Close() error { return s.stop.Close() }
