package smoke

import (
	"net"
	"path/filepath"
	"strings"
	"testing"

	"perch/entrypoint/contract"
)

func TestStatusField(t *testing.T) {
	const status = "Name:\tbash\nUid:\t61234\t61234\t61234\t61234\nCapEff:\t0000000000000000\nNoNewPrivs:\t1\n"
	for name, want := range map[string]string{"Uid": "61234", "CapEff": "0000000000000000", "NoNewPrivs": "1", "Gid": ""} {
		if got := statusField(status, name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

func TestQuote(t *testing.T) {
	for in, want := range map[string]string{"a b": "'a b'", "it's": `'it'\''s'`, "": "''"} {
		if got := quote(in); got != want {
			t.Errorf("quote(%q) = %s, want %s", in, got, want)
		}
	}
}

func TestReadBanner(t *testing.T) {
	for _, c := range []struct{ said, err string }{
		{contract.Banner() + "\r\n", ""},
		{contract.Banner() + "\r\nmore", ""},
		{"SSH-2.0-OpenSSH_9.2\r\n", "no perch-entrypoint"},
		{"SSH-2.0-Perch_999\r\n", "contract 999"},
		{strings.Repeat("x", 1000), "no perch-entrypoint"},
		{"", "EOF"},
	} {
		sock := filepath.Join(t.TempDir(), "sock")
		listener, err := net.Listen("unix", sock)
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			if conn, err := listener.Accept(); err == nil {
				_, _ = conn.Write([]byte(c.said))
				conn.Close()
			}
		}()
		_, err = readBanner(sock)
		if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
			t.Errorf("%.30q: got %v, want %q", c.said, err, c.err)
		}
		listener.Close()
	}
}
