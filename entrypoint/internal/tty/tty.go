// Package tty makes pseudo-terminals for sessions.
package tty

import (
	"errors"
	"fmt"
	"io"
	"math"
	"os"
	"syscall"
	"time"

	"github.com/containerd/console"
	"golang.org/x/sys/unix"
)

// Size is a terminal's size in characters and in pixels, as an SSH client sends
// it (RFC 4254, 6.2).
type Size struct {
	Columns, Rows, Width, Height uint32
}

// Terminal is a pseudo-terminal. Reading and writing it goes to its master.
// Reading ends with EIO when the last process has left the terminal; Close
// unblocks a read and hangs up (SIGHUP) who still runs on it.
type Terminal struct {
	console.Console
	file *os.File
	// Peer is the side for the process; close it once that has been started.
	Peer *os.File
	// Name is the path of the terminal's device.
	Name string
	left int // bytes that may still be read after Ended
}

// maxLeft is more than the kernel keeps of what was written to a terminal: 64 KiB
// in buffers, and 4 KiB to be read.
const maxLeft = 128 << 10

// Open makes a pseudo-terminal with a size and modes.
func Open(size Size, modes Modes) (_ *Terminal, err error) {
	// Non-blocking from the beginning: otherwise a read of the master stays
	// blocked although the master is closed.
	file, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, fmt.Errorf("opening a pseudo-terminal: %w", err)
	}
	defer func() {
		if err != nil {
			file.Close()
		}
	}()
	master, name, err := console.NewPtyFromFile(file)
	if err != nil {
		return nil, fmt.Errorf("unlocking the pseudo-terminal: %w", err)
	}
	peer, err := openPeer(file, name)
	if err != nil {
		return nil, fmt.Errorf("opening the other side of the pseudo-terminal: %w", err)
	}
	t := &Terminal{Console: master, file: file, Peer: peer, Name: name, left: maxLeft}
	if err := modes.apply(peer); err != nil {
		peer.Close()
		return nil, fmt.Errorf("setting the modes of the pseudo-terminal: %w", err)
	}
	if err := t.SetSize(size); err != nil {
		peer.Close()
		return nil, err
	}
	return t, nil
}

// Ended says that the process has ended for which Peer was: Read returns what is
// still in the terminal and then EOF, also where others run on it, as sshd does.
func (t *Terminal) Ended() { _ = t.file.SetReadDeadline(time.Unix(1, 0)) }

// Read reads what the terminal shows. One goroutine may.
func (t *Terminal) Read(p []byte) (n int, err error) {
	n, err = t.Console.Read(p)
	if !errors.Is(err, os.ErrDeadlineExceeded) {
		return n, err
	}
	if t.left == 0 { // somebody writes and writes
		return 0, io.EOF
	}
	failed := control(t.file, func(fd uintptr) { n, err = unix.Read(int(fd), p[:min(len(p), t.left)]) })
	switch {
	case failed != nil:
		return 0, failed
	case err == unix.EAGAIN, err == nil && n == 0:
		return 0, io.EOF
	case err != nil:
		return 0, os.NewSyscallError("read", err)
	}
	t.left -= n
	return n, nil
}

// openPeer opens the side for the process. The name may lead into another mount
// of devpts than ours, so it is tried only where the kernel is older than 4.13
// and knows no other way.
func openPeer(master *os.File, name string) (*os.File, error) {
	const flags = unix.O_RDWR | unix.O_NOCTTY | unix.O_CLOEXEC
	var fd uintptr
	var errno syscall.Errno
	err := control(master, func(m uintptr) {
		fd, _, errno = unix.Syscall(unix.SYS_IOCTL, m, unix.TIOCGPTPEER, flags)
	})
	switch {
	case err != nil:
		return nil, err
	case errno == unix.ENOTTY || errno == unix.EINVAL:
		return os.OpenFile(name, flags, 0)
	case errno != 0:
		return nil, os.NewSyscallError("ioctl", errno)
	}
	return os.NewFile(fd, name), nil
}

// SetSize sets the terminal's size; the kernel tells the processes (SIGWINCH).
func (t *Terminal) SetSize(s Size) error {
	size := unix.Winsize{Row: short(s.Rows), Col: short(s.Columns), Xpixel: short(s.Width), Ypixel: short(s.Height)}
	var failed error
	err := control(t.file, func(fd uintptr) {
		failed = unix.IoctlSetWinsize(int(fd), unix.TIOCSWINSZ, &size)
	})
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("setting the size of the terminal: %w", err)
	}
	return nil
}

func short(n uint32) uint16 { return uint16(min(n, math.MaxUint16)) }

// control runs f on the descriptor without changing its blocking mode, as
// File.Fd may.
func control(file *os.File, f func(fd uintptr)) error {
	raw, err := file.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(f)
}
