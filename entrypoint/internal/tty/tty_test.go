package tty

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"syscall"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"
)

// encode is the inverse of ParseModes.
func encode(modes Modes) []byte {
	var b []byte
	for _, m := range modes {
		b = binary.BigEndian.AppendUint32(append(b, m.Op), m.Arg)
	}
	return append(b, opEnd)
}

func TestParseModes(t *testing.T) {
	for _, test := range []struct {
		name, encoded string
		want          Modes
	}{
		{"nothing", "", nil},
		{"end", "\x00", nil},
		{"two", "\x01\x00\x00\x00\x03\x35\x00\x00\x00\x01\x00", Modes{{1, 3}, {53, 1}}},
		{"cut off", "\x01\x00\x00\x00\x03\x35\x00\x00", Modes{{1, 3}}},
		{"no end", "\x01\x00\x00\x00\x03", Modes{{1, 3}}},
		{"an opcode of unknown length", "\xa0\x00\x00\x00\x03\x35\x00\x00\x00\x01", nil},
	} {
		if diff := cmp.Diff(test.want, ParseModes([]byte(test.encoded))); diff != "" {
			t.Errorf("%s (-want +got):\n%s", test.name, diff)
		}
	}
}

func FuzzParseModes(f *testing.F) {
	f.Add([]byte("\x01\x00\x00\x00\x03\x35\x00\x00\x00\x01\x00"))
	f.Add([]byte("\x80\x00\x00\x96\x00\x9f\xff\xff\xff\xff\xa0"))
	f.Fuzz(func(t *testing.T, encoded []byte) {
		modes := ParseModes(encoded)
		if len(modes) > maxModes {
			t.Errorf("%d modes", len(modes))
		}
		if diff := cmp.Diff(modes, ParseModes(encode(modes))); diff != "" {
			t.Errorf("after encoding (-first +second):\n%s", diff)
		}
		modes.set(&unix.Termios{})
	})
}

func TestSet(t *testing.T) {
	termios := unix.Termios{Iflag: unix.ICRNL, Lflag: unix.ECHO | unix.ICANON, Cflag: unix.CS7}
	Modes{{1, 24}, {2, 255}, {53, 0}, {50, 1}, {36, 0}, {42, 1}, {72, 1}, {91, 1}, {128, 38400}, {150, 1}}.set(&termios)
	want := unix.Termios{Iflag: unix.IUTF8, Lflag: unix.ICANON | unix.ISIG, Oflag: unix.ONLCR, Cflag: unix.CS8}
	want.Cc[unix.VINTR] = 24
	if diff := cmp.Diff(want, termios); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func open(t *testing.T) *Terminal {
	t.Helper()
	terminal, err := Open(Size{80, 24, 0, 0}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { terminal.Close() })
	return terminal
}

func TestSize(t *testing.T) {
	terminal := open(t)
	defer terminal.Peer.Close()
	if err := terminal.SetSize(Size{100, 1 << 30, 7, 8}); err != nil {
		t.Fatal(err)
	}
	got, err := unix.IoctlGetWinsize(int(terminal.Peer.Fd()), unix.TIOCGWINSZ)
	if want := (unix.Winsize{Row: 65535, Col: 100, Xpixel: 7, Ypixel: 8}); err != nil || *got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
}

// A read that waits ends with Close, also after the size was set.
func TestCloseUnblocksRead(t *testing.T) {
	terminal := open(t)
	defer terminal.Peer.Close()
	if err := terminal.SetSize(Size{1, 1, 0, 0}); err != nil {
		t.Fatal(err)
	}
	reading, ended := make(chan struct{}), make(chan error)
	go func() {
		close(reading)
		_, err := terminal.Read(make([]byte, 1))
		ended <- err
	}()
	<-reading
	terminal.Close()
	if err := <-ended; !errors.Is(err, os.ErrClosed) {
		t.Errorf("reading a closed terminal: got %v", err)
	}
}

// What was written before the last process left can still be read.
func TestLastOutput(t *testing.T) {
	terminal := open(t)
	io.WriteString(terminal.Peer, "last words")
	terminal.Peer.Close()
	got, err := io.ReadAll(terminal)
	if string(got) != "last words" || !errors.Is(err, syscall.EIO) {
		t.Errorf("got %q, %v, want the words and EIO", got, err)
	}
}
