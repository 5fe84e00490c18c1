// Package proxy connects a client to the unix socket on which a job's
// entrypoint, or the carrier to it, answers: by handing the connected socket to
// ssh, or by copying bytes for clients that cannot take one.
package proxy

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
)

// ErrDead says that nobody is behind a socket: it is missing, refuses, or ends
// before an SSH banner came. The carrier has to be opened anew.
var ErrDead = errors.New("nobody answers there")

const (
	// maxPath is how long a socket's path may be, unix(7).
	maxPath = 107
	// maxBanner is the longest identification string of RFC 4253, 4.2.
	maxBanner = 255
	// fullWait is how long to wait where too many others are connecting.
	fullWait = 5 * time.Millisecond
)

// Dial connects to sock and waits for the whole SSH banner of an entrypoint of
// this contract, of which it takes no byte: whoever reads from the connection
// gets it. It ends with ctx, whose error it then returns; see also ErrDead.
// Any other error is for the user.
//
// The connection is a file, not a net.Conn: package net would be a good part of
// the start of a program that is over in milliseconds.
func Dial(ctx context.Context, sock string) (*os.File, error) {
	conn, err := connect(ctx, sock)
	if err != nil {
		return nil, fmt.Errorf("connecting to %q: %w", sock, err)
	}
	banner, err := peek(ctx, conn)
	if err != nil {
		err = fmt.Errorf("waiting for SSH on %q: %w", sock, err)
	} else {
		err = contract.CheckBanner(banner)
	}
	if err != nil {
		conn.Close()
		return nil, err
	}
	return conn, nil
}

// connect reaches a path that is too long for a socket through its directory.
func connect(ctx context.Context, sock string) (*os.File, error) {
	if len(sock) > maxPath {
		dir, err := unix.Open(filepath.Dir(sock), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
		if err != nil {
			return nil, dead(err)
		}
		defer unix.Close(dir)
		sock = fmt.Sprintf("/proc/self/fd/%d/%s", dir, filepath.Base(sock))
	}
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := connectTo(ctx, fd, sock); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), sock), nil
}

func connectTo(ctx context.Context, fd int, sock string) error {
	for {
		switch err := unix.Connect(fd, &unix.SockaddrUnix{Name: sock}); err {
		case nil:
			return nil
		case unix.EAGAIN, unix.EINTR:
		default:
			return dead(err)
		}
		// The listener's queue is full, and unix(7) offers nothing to wait on.
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(fullWait):
		}
	}
}

// dead marks the errors that say ErrDead.
func dead(err error) error {
	var errno syscall.Errno
	if !errors.As(err, &errno) {
		return err
	}
	switch errno {
	case syscall.ENOENT, syscall.ECONNREFUSED, syscall.ECONNRESET, syscall.EPIPE:
		return fmt.Errorf("%w: %w", ErrDead, errno)
	}
	return errno
}

// peek returns the first line that the other side sends, and leaves it unread.
func peek(ctx context.Context, conn *os.File) (string, error) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return "", err
	}
	stop := context.AfterFunc(ctx, func() { conn.SetReadDeadline(time.Unix(1, 0)) })
	buf := make([]byte, maxBanner)
	var line []byte
	var peekErr error
	err = raw.Read(func(fd uintptr) (done bool) {
		line, done, peekErr = peekLine(int(fd), buf)
		return done
	})
	if !stop() && ctx.Err() != nil {
		return "", ctx.Err()
	}
	if errors.Is(err, os.ErrDeadlineExceeded) {
		return "", context.DeadlineExceeded
	}
	return strings.TrimRight(string(line), "\r\n"), errors.Join(err, peekErr)
}

// peekLine looks once. It is done when there is a line, or none to come.
func peekLine(fd int, buf []byte) (line []byte, done bool, err error) {
	// What has been looked at stays there, so the end has to be asked for: in
	// front, because a whole line may come with it.
	ended := hungUp(fd)
	n, _, err := unix.Recvfrom(fd, buf, unix.MSG_PEEK|unix.MSG_DONTWAIT)
	switch {
	case err == unix.EAGAIN || err == unix.EINTR:
		return nil, false, nil
	case err != nil:
		return nil, true, dead(err)
	}
	if i := bytes.IndexByte(buf[:n], '\n'); i >= 0 {
		return buf[:i], true, nil
	}
	if n == len(buf) {
		return buf, true, nil // too long, and no banner of ours
	}
	if n == 0 || ended {
		return nil, true, ErrDead
	}
	return nil, false, nil
}

func hungUp(fd int) bool {
	fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLRDHUP}}
	n, err := unix.Poll(fds, 0)
	return err == nil && n > 0
}
