package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// serveUpper serves connections until the test ends: it reads to the end of the
// input, and only then answers with all of it in capitals. Whoever closes both
// directions at once loses the answer.
func serveUpper(t *testing.T, network, address string) net.Listener {
	t.Helper()
	l, err := net.Listen(network, address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				text, _ := io.ReadAll(conn)
				io.WriteString(conn, strings.ToUpper(string(text)))
			}()
		}
	}()
	return l
}

// wantUpper talks to a server made by serveUpper through a forward.
func wantUpper(t *testing.T, network, address string) {
	t.Helper()
	var conn net.Conn
	eventually(t, "the forward "+address+" can be connected to", func() (ok bool) {
		var err error
		conn, err = net.Dial(network, address)
		return err == nil
	})
	defer conn.Close()
	wantUpperOn(t, conn)
}

func wantUpperOn(t *testing.T, conn net.Conn) {
	t.Helper()
	// More than a channel's window, so that both directions have to flow.
	sent := strings.Repeat("abc", 1<<20)
	go func() {
		io.WriteString(conn, sent)
		conn.(interface{ CloseWrite() error }).CloseWrite()
	}()
	got, err := io.ReadAll(conn)
	if err != nil || string(got) != strings.ToUpper(sent) {
		t.Errorf("through the forward: got %d bytes and %v, want %d in capitals", len(got), err, len(sent))
	}
}

// background runs a client until the test ends and returns the lines of its
// stderr.
func (j *job) background(args ...string) *bufio.Scanner {
	j.t.Helper()
	return j.backgroundWith("", args...)
}

// backgroundWith is background with an agent.
func (j *job) backgroundWith(agent string, args ...string) *bufio.Scanner {
	j.t.Helper()
	cmd := j.client("ssh", args...)
	cmd.Env = append(os.Environ(), "SSH_AUTH_SOCK="+agent)
	stderr, err := cmd.StderrPipe()
	if err != nil {
		j.t.Fatal(err)
	}
	stdin, err := cmd.StdinPipe()
	if err != nil {
		j.t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() {
		stdin.Close()
		cmd.Process.Kill()
		cmd.Wait()
	})
	return bufio.NewScanner(stderr)
}

func freePort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

func TestLocalForwards(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	tcp := serveUpper(t, "tcp", "127.0.0.1:0").Addr().String()
	_, port, _ := net.SplitHostPort(tcp)
	serveUpper(t, "unix", filepath.Join(j.home, "upper"))
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	socks := freePort(t)
	j.background("-N", "-L", path("tcp")+":"+tcp, "-L", path("name")+":localhost:"+port,
		"-L", path("unix")+":"+j.home+"/upper", "-D", socks, "job")
	for _, name := range []string{"tcp", "name", "unix"} {
		t.Run(name, func(t *testing.T) { wantUpper(t, "unix", path(name)) })
	}
	t.Run("dynamic", func(t *testing.T) { wantUpperOn(t, dialSOCKS(t, socks, tcp)) })
	t.Run("standard streams", func(t *testing.T) {
		if got := j.ssh("abc", "-W", tcp, "job"); got.stdout != "ABC" || got.code != 0 {
			t.Errorf("ssh -W: got %+v", got)
		}
	})
	t.Run("nobody listens", func(t *testing.T) {
		if got := j.ssh("", "-W", freePort(t), "job"); got.code != 255 || !strings.Contains(got.stderr, "connection refused") {
			t.Errorf("ssh -W to a closed port: got %+v", got)
		}
	})
}

// dialSOCKS connects through a SOCKS 4 proxy.
func dialSOCKS(t *testing.T, proxy, address string) net.Conn {
	t.Helper()
	to, err := net.ResolveTCPAddr("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	var conn net.Conn
	eventually(t, "the proxy answers", func() bool {
		conn, err = net.Dial("tcp", proxy)
		return err == nil
	})
	t.Cleanup(func() { conn.Close() })
	request := append([]byte{4, 1, byte(to.Port >> 8), byte(to.Port)}, to.IP.To4()...)
	if _, err := conn.Write(append(request, 0)); err != nil {
		t.Fatal(err)
	}
	reply := make([]byte, 8)
	if _, err := io.ReadFull(conn, reply); err != nil || reply[1] != 0x5a {
		t.Fatalf("the proxy's reply: got %x, %v", reply, err)
	}
	return conn
}

func TestRemoteForwards(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	tcp := serveUpper(t, "tcp", "127.0.0.1:0").Addr().String()
	socket := filepath.Join(j.home, "forwarded")
	fixed := freePort(t)
	lines := j.background("-N", "-R", "127.0.0.1:0:"+tcp, "-R", fixed+":"+tcp, "-R", socket+":"+tcp, "job")
	if !lines.Scan() {
		t.Fatal("the client does not say which port it got")
	}
	var port int
	if _, err := fmt.Sscanf(lines.Text(), "Allocated port %d for remote forward", &port); err != nil {
		t.Fatalf("the client says %q", lines.Text())
	}
	t.Run("port 0", func(t *testing.T) { wantUpper(t, "tcp", fmt.Sprintf("127.0.0.1:%d", port)) })
	t.Run("fixed port", func(t *testing.T) { wantUpper(t, "tcp", fixed) })
	t.Run("socket", func(t *testing.T) { wantUpper(t, "unix", socket) })
}

// A forward can be cancelled, by name and, where the port was left to the
// server, by the port that it got.
func TestCancelledForward(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	control := filepath.Join(t.TempDir(), "c")
	j.background("-N", "-M", "-S", control, "job")
	mux := func(args ...string) result { return j.ssh("", append([]string{"-S", control}, args...)...) }
	eventually(t, "the master answers", func() bool { return mux("-O", "check", "job").code == 0 })
	target := serveUpper(t, "tcp", "127.0.0.1:0").Addr().String()
	got := mux("-O", "forward", "-R", "0:"+target, "job")
	address := "127.0.0.1:" + strings.TrimSpace(got.stdout)
	wantUpper(t, "tcp", address)
	if got := mux("-O", "cancel", "-R", "0:"+target, "job"); got.code != 0 {
		t.Fatalf("cancelling: got %+v", got)
	}
	eventually(t, "nobody listens any more", func() bool {
		conn, err := net.Dial("tcp", address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}
