package tty

import (
	"golang.org/x/sys/unix"
)

// Break does what a break on a serial line would do. The kernel has no break
// for pseudo-terminals, so this follows its n_tty_receive_break: by the
// terminal's modes it is ignored, is an interrupt, or is a zero byte.
func (t *Terminal) Break() error {
	var modes *unix.Termios
	var failed error
	err := control(t.file, func(fd uintptr) {
		if modes, failed = unix.IoctlGetTermios(int(fd), unix.TCGETS); failed != nil {
			return
		}
		if modes.Iflag&(unix.IGNBRK|unix.BRKINT) == unix.BRKINT {
			failed = unix.IoctlSetInt(int(fd), unix.TIOCSIG, int(unix.SIGINT))
		}
	})
	switch {
	case err != nil:
		return err
	case failed != nil:
		return failed
	case modes.Iflag&(unix.IGNBRK|unix.BRKINT) == 0:
		_, err = t.Write([]byte{0})
	}
	return err
}
