package conformance

import (
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"perch/tests/session"
)

// echo listens and sends back what it gets, to the end. It returns its address.
func echo(t *testing.T, network, address string) string {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				io.Copy(c, c)
			}()
		}
	}()
	return l.Addr().String()
}

// answers waits until somebody listens, and returns a connection.
func answers(t *testing.T, network, address string) (c net.Conn) {
	t.Helper()
	await(t, address+" answers", func() (ok bool) {
		var err error
		c, err = net.Dial(network, address)
		return err == nil
	})
	return c
}

// echoes sends more than a window through a way to echo, ends its side, and
// wants all of it back and then the end.
func echoes(t *testing.T, network, address string) {
	t.Helper()
	c := answers(t, network, address)
	defer c.Close()
	c.SetDeadline(time.Now().Add(patience))
	content := bytes.Repeat([]byte("0123456789abcdef"), 256<<10)
	go func() {
		c.Write(content)
		c.(interface{ CloseWrite() error }).CloseWrite()
	}()
	if got, err := io.ReadAll(c); err != nil || !bytes.Equal(got, content) {
		t.Errorf("%s: %d bytes of %d came back, %v", address, len(got), len(content), err)
	}
}

// short is a directory whose paths are short enough for sockets.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "c-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

var strict = options{"-o", "ExitOnForwardFailure=yes"}

func testForwarding(t *testing.T, j job) {
	target := echo(t, "tcp", "127.0.0.1:0")
	dir := short(t)
	unix := echo(t, "unix", dir+"/echo")
	ports := []string{strconv.Itoa(session.FreePort(t)), strconv.Itoa(session.FreePort(t)), strconv.Itoa(session.FreePort(t))}
	for _, test := range []struct {
		name          string
		o             options
		network, from string
		// through is where the server listens, which it does later than the
		// client.
		through string
	}{
		{"local", options{"-L", ports[0] + ":" + target}, "tcp", "127.0.0.1:" + ports[0], ""},
		{"remote", options{"-R", "127.0.0.1:" + ports[1] + ":" + target}, "tcp", "127.0.0.1:" + ports[1], ""},
		{"there and back", options{"-L", ports[0] + ":127.0.0.1:" + ports[2], "-R", ports[2] + ":" + target}, "tcp", "127.0.0.1:" + ports[0], "127.0.0.1:" + ports[2]},
		{"local to a socket", options{"-L", ports[0] + ":" + unix}, "tcp", "127.0.0.1:" + ports[0], ""},
		{"local from a socket", options{"-L", dir + "/l:" + target}, "unix", dir + "/l", ""},
		{"remote from a socket", options{"-R", dir + "/r:" + target}, "unix", dir + "/r", ""},
		{"sockets both ways", options{"-L", dir + "/a:" + dir + "/b", "-R", dir + "/b:" + unix}, "unix", dir + "/a", dir + "/b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := background(t, j.SSH(append(append(test.o, strict...), "-N")))
			if test.through != "" {
				answers(t, test.network, test.through).Close()
			}
			echoes(t, test.network, test.from)
			b.stop()
		})
	}
	t.Run("many", func(t *testing.T) { manyForwards(t, j, target) })
	t.Run("any port", func(t *testing.T) { anyPort(t, j, target) })
	t.Run("stdio", func(t *testing.T) {
		cmd := j.SSH(options{"-W", target})
		cmd.Stdin = strings.NewReader("through")
		run(t, cmd).want(t, "through", "", 0)
	})
	t.Run("failures", func(t *testing.T) { failingForwards(t, j, target) })
}

func manyForwards(t *testing.T, j job, target string) {
	var o options
	dir := short(t)
	for i := range 10 {
		o = append(o, "-L", fmt.Sprintf("%s/l%d:%s", dir, i, target), "-R", fmt.Sprintf("%s/r%d:%s", dir, i, target))
	}
	background(t, j.SSH(append(append(o, strict...), "-N")))
	for i := range 10 {
		echoes(t, "unix", fmt.Sprintf("%s/l%d", dir, i))
		echoes(t, "unix", fmt.Sprintf("%s/r%d", dir, i))
	}
	run(t, j.SSH(append(o, "-o", "ClearAllForwardings=yes"), "true")).want(t, "", "", 0)
}

// anyPort leaves the port to the server, which opens it to this machine alone
// though the client asks for more.
func anyPort(t *testing.T, j job, target string) {
	b := background(t, j.SSH(append(options{"-N", "-R", "*:0:" + target}, strict...)))
	port := b.says(t, `Allocated port (\d+) for remote forward`)
	echoes(t, "tcp", "127.0.0.1:"+port)
	number, _ := strconv.Atoi(port)
	for _, table := range []string{"/proc/net/tcp", "/proc/net/tcp6"} {
		text, _ := os.ReadFile(table) // where there is no IPv6, nobody listens on it
		for line := range strings.Lines(string(text)) {
			f := strings.Fields(line)
			if len(f) > 3 && f[3] == "0A" && strings.HasSuffix(f[1], fmt.Sprintf(":%04X", number)) && !strings.HasPrefix(f[1], "0100007F:") {
				t.Errorf("the server listens on %s", f[1])
			}
		}
	}
	b.stop()
	await(t, "the port is closed", func() bool {
		c, err := net.Dial("tcp", "127.0.0.1:"+port)
		if err == nil {
			c.Close()
		}
		return err != nil
	})
}

func failingForwards(t *testing.T, j job, target string) {
	_, taken, _ := net.SplitHostPort(target)
	remote := options{"-R", taken + ":" + target}
	if r := run(t, j.SSH(append(remote, strict...), "true")); r.code != 255 || !strings.Contains(r.stderr, "Error: remote port forwarding failed for listen port "+taken) {
		t.Errorf("a port that is taken, and ExitOnForwardFailure: got %+v", r)
	}
	if r := run(t, j.SSH(remote, "echo in")); r.code != 0 || r.stdout != "in\n" || !strings.Contains(r.stderr, "Warning: remote port forwarding failed") {
		t.Errorf("a port that is taken: got %+v", r)
	}
	socket := filepath.Join(short(t), "taken")
	echo(t, "unix", socket)
	if r := run(t, j.SSH(append(options{"-R", socket + ":" + target}, strict...), "true")); r.code != 255 || !strings.Contains(r.stderr, "remote port forwarding failed") {
		t.Errorf("a socket that is taken: got %+v", r)
	}
	if r := run(t, j.SSH(options{"-W", "127.0.0.1:" + strconv.Itoa(session.FreePort(t))})); r.code != 255 || !strings.Contains(r.stderr, "refused") {
		t.Errorf("nobody there: got %+v", r)
	}
}

// SOCKS 4 and 5 by curl, on this side and on the job's.
func testDynamicForward(t *testing.T, j job) {
	web := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { io.WriteString(w, "a page") }))
	defer web.Close()
	_, port, _ := net.SplitHostPort(web.Listener.Addr().String())
	local := strconv.Itoa(session.FreePort(t))
	b := background(t, j.SSH(append(options{"-N", "-D", local, "-R", "0"}, strict...)))
	remote := b.says(t, `Allocated port (\d+) for remote forward`)
	closed := strconv.Itoa(session.FreePort(t))
	get := func(version, proxy, host, port string) ran {
		return run(t, j.Command("curl", "-sS", "--noproxy", "", "--proxy", version+"://127.0.0.1:"+proxy, "http://"+host+":"+port+"/"))
	}
	for name, proxy := range map[string]string{"-D": local, "-R": remote} {
		for _, version := range []string{"socks4", "socks4a", "socks5", "socks5h"} {
			for _, host := range []string{"127.0.0.1", "localhost"} {
				if r := get(version, proxy, host, port); r.stdout != "a page" || r.code != 0 {
					t.Errorf("%s, %s to %s: got %+v", name, version, host, r)
				}
			}
			if r := get(version, proxy, "127.0.0.1", closed); r.code == 0 {
				t.Errorf("%s, %s to nobody: got %+v", name, version, r)
			}
		}
	}
	b.stop()
	if r := get("socks5", local, "127.0.0.1", port); r.code == 0 {
		t.Errorf("without ssh: got %+v", r)
	}
}
