package sshd

import (
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// seeds are payloads of all kinds; each parser gets all of them.
func seeds(f *testing.F) {
	for _, message := range []any{
		struct {
			Term                         string
			Columns, Rows, Width, Height uint32
			Modes                        string
		}{"xterm", 80, 24, 0, 0, "\x01\x00\x00\x00\x03\x00"},
		struct{ Name, Value string }{"LANG", "C"},
		struct{ Line string }{"true"},
		directTCP{"localhost", 22, "127.0.0.1", 1234},
		directUnix{Path: "/run/x"},
		forwardTCPMsg{"", 0},
		x11Request{true, "MIT-MAGIC-COOKIE-1", "00112233445566778899aabbccddeeff", 0},
		struct{ A, B, C, D uint32 }{1, 2, 3, 1 << 31},
	} {
		f.Add(ssh.Marshal(message))
	}
	f.Add([]byte{})
	f.Add([]byte("\xff\xff\xff\xffx"))
}

// What was understood, encoded, is understood the same.
func FuzzPTY(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		request, err := parsePTY(payload)
		if err != nil {
			return
		}
		again, err := parsePTY(ssh.Marshal(struct {
			Term                         string
			Columns, Rows, Width, Height uint32
			Modes                        string
		}{request.Term, request.Size.Columns, request.Size.Rows, request.Size.Width, request.Size.Height, ""}))
		if err != nil || again.Term != request.Term || again.Size != request.Size {
			t.Errorf("got %+v, %v, before it was %+v", again, err, request)
		}
	})
}

func FuzzForwards(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if d, err := parseDirectTCP(payload); err == nil && d.Port > 65535 {
			t.Errorf("got the port %d", d.Port)
		}
		if m, err := parseForwardTCP(payload); err == nil {
			if again, err := parseForwardTCP(ssh.Marshal(m)); m.Port > 65535 || again != m || err != nil {
				t.Errorf("got %+v, then %+v, %v", m, again, err)
			}
		}
		if d, err := parseDirectUnix(payload); err == nil && (d.Path == "" || len(d.Path) > 4096) {
			t.Errorf("got the path %q", d.Path)
		}
		if m, err := parseForwardUnix(payload); err == nil && (m.Path == "" || len(m.Path) > 4096) {
			t.Errorf("got the path %q", m.Path)
		}
	})
}

func FuzzX11(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		x, err := parseX11(payload)
		if err != nil {
			return
		}
		if again, err := parseX11(ssh.Marshal(x)); again != x || err != nil || strings.ContainsAny(x.Protocol+x.Cookie, "\x00\n /") {
			t.Errorf("got %+v, then %+v, %v", x, again, err)
		}
	})
}

func FuzzRequests(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, payload []byte) {
		if line, err := parseString(payload); err == nil && strings.Contains(line, "\x00") {
			t.Errorf("got a zero byte in %q", line)
		}
		if name, value, err := parseEnv(payload); err == nil && len(name)+len(value)+8 != len(payload) {
			t.Errorf("got %q and %q of %d bytes", name, value, len(payload))
		}
		if size, err := parseSize(payload); err == nil && string(ssh.Marshal(size)) != string(payload) {
			t.Errorf("got %+v of %x", size, payload)
		}
	})
}

func TestSignalName(t *testing.T) {
	for name, number := range signalNumbers {
		if got := signalName(number); got != name {
			t.Errorf("signal %d: got %q, want %q", number, got, name)
		}
	}
	if got := signalName(31); got != "SIG@openssh.com" {
		t.Errorf("a signal without a name: got %q", got)
	}
}
