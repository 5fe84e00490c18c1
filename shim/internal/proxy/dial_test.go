package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
)

// serve listens on a new socket and gives each connection to handle.
func serve(t *testing.T, sock string, handle func(*net.UnixConn)) {
	t.Helper()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.AcceptUnix()
			if err != nil {
				return
			}
			go handle(conn)
		}
	}()
}

// says sends parts one by one and keeps the connection open.
func says(parts ...string) func(*net.UnixConn) {
	return func(conn *net.UnixConn) {
		for _, p := range parts {
			io.WriteString(conn, p)
		}
	}
}

// banner dials, and reads the line with which an entrypoint begins.
func banner(ctx context.Context, sock string) (string, error) {
	conn, err := Dial(ctx, sock)
	if err != nil {
		return "", err
	}
	defer conn.Close()
	line, err := bufio.NewReader(conn).ReadString('\n')
	return strings.TrimRight(line, "\r\n"), err
}

func newSock(t *testing.T) string { return filepath.Join(t.TempDir(), "sock") }

func TestBannerIsReadAndLeft(t *testing.T) {
	for name, parts := range map[string][]string{
		"whole":            {contract.Banner() + "\r\n"},
		"with more":        {contract.Banner() + "\r\nmore"},
		"letter by letter": strings.Split(contract.Banner()+"\n", ""),
	} {
		sock := newSock(t)
		serve(t, sock, says(parts...))
		if got, err := banner(t.Context(), sock); got != contract.Banner() || err != nil {
			t.Errorf("%s: the banner is %q, %v; want %q", name, got, err, contract.Banner())
		}
		conn, err := Dial(t.Context(), sock)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		want := strings.Join(parts, "")
		got := make([]byte, len(want))
		if _, err := io.ReadFull(conn, got); string(got) != want || err != nil {
			t.Errorf("%s: after Dial the connection reads %q, %v; want %q", name, got, err, want)
		}
		conn.Close()
	}
}

func TestDialRefuses(t *testing.T) {
	hangUpAfter := func(text string) func(*net.UnixConn) {
		return func(conn *net.UnixConn) { io.WriteString(conn, text); conn.Close() }
	}
	for _, c := range []struct {
		name   string
		handle func(*net.UnixConn)
		want   string
		dead   bool
	}{
		{"ends at once", hangUpAfter(""), "nobody answers", true},
		{"ends within the banner", hangUpAfter("SSH-2.0-Per"), "nobody answers", true},
		{"another server", says("SSH-2.0-OpenSSH_9.2\r\n"), "no perch-entrypoint", false},
		{"another contract", says("SSH-2.0-Perch_0\r\n"), "speaks contract 0", false},
		{"no SSH, and ends", hangUpAfter("HTTP/1.0 400\r\n"), "no perch-entrypoint", false},
		{"an endless line", says(strings.Repeat("x", 4096)), "no perch-entrypoint", false},
		{"control characters", says("\x1b[2J\r\n"), `\x1b[2J`, false},
	} {
		sock := newSock(t)
		serve(t, sock, c.handle)
		conn, err := Dial(t.Context(), sock)
		if err == nil {
			conn.Close()
			t.Errorf("%s: Dial has connected", c.name)
		} else if !strings.Contains(err.Error(), c.want) || errors.Is(err, ErrDead) != c.dead {
			t.Errorf("%s: %v; want %q, ErrDead: %v", c.name, err, c.want, c.dead)
		}
	}
}

func TestDialFindsNobody(t *testing.T) {
	dir := t.TempDir()
	left := filepath.Join(dir, "left")
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: left})
	if err != nil {
		t.Fatal(err)
	}
	l.SetUnlinkOnClose(false)
	l.Close()
	for _, sock := range []string{filepath.Join(dir, "none"), left, filepath.Join(dir, strings.Repeat("x", 120), "none")} {
		if _, err := banner(t.Context(), sock); !errors.Is(err, ErrDead) || !strings.Contains(err.Error(), sock) {
			t.Errorf("dialling %q: %v; want ErrDead and the name", sock, err)
		}
	}
}

func TestDialEndsWithItsContext(t *testing.T) {
	sock := newSock(t)
	connected := make(chan struct{}, 1)
	serve(t, sock, func(conn *net.UnixConn) { io.WriteString(conn, "SSH-"); connected <- struct{}{} })

	ctx, cancel := context.WithCancel(t.Context())
	go func() { <-connected; cancel() }()
	if _, err := Dial(ctx, sock); !errors.Is(err, context.Canceled) || errors.Is(err, ErrDead) {
		t.Errorf("Dial to a silent server, cancelled: %v", err)
	}
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, sock); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("Dial to a silent server, at its time limit: %v", err)
	}
}

// TestDialWaitsForItsTurn fills the listener's queue, which makes connect(2)
// fail for a socket that does not block.
func TestDialWaitsForItsTurn(t *testing.T) {
	sock := newSock(t)
	fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer unix.Close(fd)
	if err := errors.Join(unix.Bind(fd, &unix.SockaddrUnix{Name: sock}), unix.Listen(fd, 0)); err != nil {
		t.Fatal(err)
	}
	first, err := net.Dial("unix", sock) // takes the one place that there is
	if err != nil {
		t.Fatal(err)
	}
	defer first.Close()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := Dial(ctx, sock); !errors.Is(err, context.DeadlineExceeded) {
		t.Fatalf("Dial to a full queue: %v", err)
	}

	go func() {
		for range 2 {
			if conn, _, err := unix.Accept4(fd, unix.SOCK_CLOEXEC); err == nil {
				unix.Write(conn, []byte(contract.Banner()+"\r\n"))
			}
		}
	}()
	if got, err := banner(t.Context(), sock); err != nil {
		t.Errorf("once the queue moves: %q, %v", got, err)
	}
}

func TestLongPath(t *testing.T) {
	dir := filepath.Join(t.TempDir(), strings.Repeat("long", 40))
	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Chdir(dir)
	serve(t, "sock", says(contract.Banner()+"\r\n"))
	if got, err := banner(t.Context(), filepath.Join(dir, "sock")); got != contract.Banner() || err != nil {
		t.Errorf("the banner is %q, %v", got, err)
	}
}

// FuzzBanner has a server say anything and end.
func FuzzBanner(f *testing.F) {
	f.Add([]byte(contract.Banner() + "\r\n"))
	f.Add([]byte("SSH-2.0-Perch_\n"))
	f.Add([]byte("SSH-2.0-Perch_1\n")) // of entrypoints before the present banner
	f.Add([]byte("\x00\xff"))
	f.Fuzz(func(t *testing.T, said []byte) {
		sock := newSock(t)
		serve(t, sock, func(conn *net.UnixConn) { conn.Write(said); conn.Close() })
		got, err := banner(t.Context(), sock)
		line, _, whole := strings.Cut(string(said), "\n")
		line = strings.TrimRight(line, "\r")
		ours := whole && (line == contract.Banner() || line == "SSH-2.0-Perch_1")
		if ours != (err == nil) || ours && got != line {
			t.Errorf("a server says %q: the banner is %q, %v", said, got, err)
		}
	})
}
