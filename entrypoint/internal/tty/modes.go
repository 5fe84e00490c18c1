package tty

import (
	"encoding/binary"
	"os"

	"golang.org/x/sys/unix"
)

// Mode is one terminal mode of an SSH client: an opcode of RFC 4254, section 8,
// and its argument.
type Mode struct {
	Op  byte
	Arg uint32
}

// Modes are a client's terminal modes in the order in which they came.
type Modes []Mode

const (
	opEnd = 0
	// From here on opcodes have no known length, so that reading must stop.
	opUndefined = 160
	// maxModes bounds what is kept; there are fewer than 60 opcodes.
	maxModes = 256
)

// ParseModes reads encoded terminal modes (RFC 4254, section 8). It stops
// without an error where they end, are cut off, or cannot be understood, as
// OpenSSH does: what came before holds.
func ParseModes(encoded []byte) Modes {
	var modes Modes
	for len(encoded) >= 5 && len(modes) < maxModes {
		op := encoded[0]
		if op == opEnd || op >= opUndefined {
			break
		}
		modes = append(modes, Mode{op, binary.BigEndian.Uint32(encoded[1:])})
		encoded = encoded[5:]
	}
	return modes
}

// characters maps opcodes to the index of a control character in a termios.
// VDSUSP, VFLUSH and VSTATUS do not exist in Linux.
var characters = map[byte]int{
	1: unix.VINTR, 2: unix.VQUIT, 3: unix.VERASE, 4: unix.VKILL, 5: unix.VEOF,
	6: unix.VEOL, 7: unix.VEOL2, 8: unix.VSTART, 9: unix.VSTOP, 10: unix.VSUSP,
	12: unix.VREPRINT, 13: unix.VWERASE, 14: unix.VLNEXT, 16: unix.VSWTC, 18: unix.VDISCARD,
}

var inputFlags = map[byte]uint32{
	30: unix.IGNPAR, 31: unix.PARMRK, 32: unix.INPCK, 33: unix.ISTRIP, 34: unix.INLCR,
	35: unix.IGNCR, 36: unix.ICRNL, 37: unix.IUCLC, 38: unix.IXON, 39: unix.IXANY,
	40: unix.IXOFF, 41: unix.IMAXBEL, 42: unix.IUTF8, // 42: RFC 8160
}

var localFlags = map[byte]uint32{
	50: unix.ISIG, 51: unix.ICANON, 52: unix.XCASE, 53: unix.ECHO, 54: unix.ECHOE,
	55: unix.ECHOK, 56: unix.ECHONL, 57: unix.NOFLSH, 58: unix.TOSTOP, 59: unix.IEXTEN,
	60: unix.ECHOCTL, 61: unix.ECHOKE, 62: unix.PENDIN,
}

var outputFlags = map[byte]uint32{
	70: unix.OPOST, 71: unix.OLCUC, 72: unix.ONLCR, 73: unix.OCRNL, 74: unix.ONOCR, 75: unix.ONLRET,
}

var controlFlags = map[byte]uint32{92: unix.PARENB, 93: unix.PARODD}

// Character sizes are values of one field, not flags of their own.
var characterSizes = map[byte]uint32{90: unix.CS7, 91: unix.CS8}

// set changes t as the modes say. Unknown opcodes and the two speeds, which
// mean nothing to a pseudo-terminal, are left out.
func (m Modes) set(t *unix.Termios) {
	for _, mode := range m {
		if i, ok := characters[mode.Op]; ok {
			t.Cc[i] = character(mode.Arg)
		}
		setFlag(&t.Iflag, inputFlags[mode.Op], mode.Arg)
		setFlag(&t.Lflag, localFlags[mode.Op], mode.Arg)
		setFlag(&t.Oflag, outputFlags[mode.Op], mode.Arg)
		setFlag(&t.Cflag, controlFlags[mode.Op], mode.Arg)
		if size, ok := characterSizes[mode.Op]; ok && mode.Arg != 0 {
			t.Cflag = t.Cflag&^unix.CSIZE | size
		}
	}
}

// character translates a control character: 255 switches it off (RFC 4254,
// section 8), which is 0 in Linux.
func character(arg uint32) byte {
	if arg >= 255 {
		return 0
	}
	return byte(arg)
}

func setFlag(flags *uint32, flag, arg uint32) {
	if arg != 0 {
		*flags |= flag
	} else {
		*flags &^= flag
	}
}

func (m Modes) apply(terminal *os.File) error {
	var failed error
	err := control(terminal, func(fd uintptr) {
		var t *unix.Termios
		if t, failed = unix.IoctlGetTermios(int(fd), unix.TCGETS); failed == nil {
			m.set(t)
			failed = unix.IoctlSetTermios(int(fd), unix.TCSETS, t)
		}
	})
	if err != nil {
		return err
	}
	return failed
}
