package conformance

import (
	"bufio"
	"io"
	"net"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"perch/tests/session"
)

// socket is the job's own, by its short name on the submit host.
func (j job) socket(t *testing.T) string {
	t.Helper()
	for _, v := range j.Env {
		if dir, ok := strings.CutPrefix(v, "XDG_RUNTIME_DIR="); ok {
			found, err := filepath.Glob(dir + "/perch/*/sock")
			if err != nil || len(found) != 1 {
				t.Fatalf("the socket is one of %q, %v", found, err)
			}
			return found[0]
		}
	}
	t.Fatal("there is no XDG_RUNTIME_DIR")
	return ""
}

// dial connects to the job without any client.
func (j job) dial(t *testing.T) net.Conn {
	t.Helper()
	c, err := net.Dial("unix", j.socket(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	c.SetDeadline(time.Now().Add(2 * patience))
	return c
}

// The server says its version first, and goes on with every client of 2.0.
func testProtoVersion(t *testing.T, j job) {
	for _, version := range []string{"SSH-2.0-tester\r\n", "SSH-2.0-tester with a comment\n", "SSH-1.99-tester\r\n"} {
		c := j.dial(t)
		r := bufio.NewReader(c)
		if line, err := r.ReadString('\n'); err != nil || !strings.HasPrefix(line, "SSH-2.0-") || !strings.HasSuffix(line, "\r\n") {
			t.Errorf("got %q, %v", line, err)
		}
		io.WriteString(c, version)
		// A packet: its length, the length of its padding, SSH_MSG_KEXINIT.
		packet := make([]byte, 6)
		if _, err := io.ReadFull(r, packet); err != nil || packet[5] != 20 {
			t.Errorf("after %q: got %v, %v", version, packet, err)
		}
	}
}

// What is no SSH 2 is not served, and costs nobody else anything.
func testProtoMismatch(t *testing.T, j job) {
	for _, version := range []string{"SSH-1.5-old\r\n", "SSH-1.3-older\n", "GET / HTTP/1.0\r\n\r\n", "\x16\x03\x01\x02\x00\x01", strings.Repeat("x", 1<<16)} {
		c := j.dial(t)
		io.WriteString(c, version+strings.Repeat("\r\n", 1000)) // it may be closed by now
		c.(*net.UnixConn).CloseWrite()
		if _, err := io.Copy(io.Discard, c); err != nil && !strings.Contains(err.Error(), "reset") {
			t.Errorf("after %.20q: %v", version, err)
		}
	}
	j.ssh(t, nil, "echo in").want(t, "in\n", "", 0)
}

// There is no text before the login.
func testBanner(t *testing.T, j job) {
	r := j.ssh(t, options{"-v"}, "true")
	if strings.Contains(r.stderr, "input_userauth_banner") || r.stdout != "" || r.code != 0 {
		t.Errorf("got %+v", r)
	}
	j.ssh(t, nil, "true").want(t, "", "", 0)
}

// ssh-keyscan, which knows TCP alone, finds the one host key.
func testKeyscan(t *testing.T, j job) {
	port := session.Relay(t, j.socket(t))
	r := run(t, j.Command("ssh-keyscan", "-p", port, "127.0.0.1"))
	keys := regexp.MustCompile(`(?m)^\S+ (ssh-\S+ \S+|ecdsa\S+ \S+)`).FindAllStringSubmatch(r.stdout, -1)
	known := j.Run(t, "ssh-keygen", "-F", j.HostKeyAlias, "-f", j.KnownHosts)
	if len(keys) != 1 || !strings.Contains(known, keys[0][1]) {
		t.Errorf("got %+v; known is %s", r, known)
	}
	for _, kind := range []string{"rsa", "ecdsa"} {
		if r := run(t, j.Command("ssh-keyscan", "-p", port, "-t", kind, "127.0.0.1")); r.stdout != "" {
			t.Errorf("%s: got %+v", kind, r)
		}
	}
}
