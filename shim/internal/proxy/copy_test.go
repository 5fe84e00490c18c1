package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"net"
	"os"
	"runtime"
	"testing"
	"time"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"perch/entrypoint/contract"
)

// ends are what the client has, and what Copy gets, of one way of starting a
// ProxyCommand. All of Copy's ends block, as inherited descriptors do.
type ends struct {
	toCopy, fromCopy *os.File
	stdin, stdout    *os.File
	// endInput tells Copy that there is no more.
	endInput func() error
}

func pipeEnds(t *testing.T) ends {
	stdin, toCopy := blockingPipe(t)
	fromCopy, stdout := blockingPipe(t)
	return ends{toCopy, fromCopy, stdin, stdout, toCopy.Close}
}

func blockingPipe(t *testing.T) (r, w *os.File) {
	t.Helper()
	var fds [2]int
	if err := unix.Pipe2(fds[:], unix.O_CLOEXEC); err != nil {
		t.Fatal(err)
	}
	r, w = os.NewFile(uintptr(fds[0]), "reading"), os.NewFile(uintptr(fds[1]), "writing")
	t.Cleanup(func() { r.Close(); w.Close() })
	return r, w
}

func socketEnds(t *testing.T) ends {
	client, ours := pair(t)
	return ends{client, client, ours, ours, func() error { return unix.Shutdown(int(client.Fd()), unix.SHUT_WR) }}
}

func terminalEnds(t *testing.T) ends {
	master, slave := rawTerminal(t)
	return ends{master, master, slave, slave, nil}
}

func rawTerminal(t *testing.T) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY)
	if errno != 0 {
		t.Fatal(errno)
	}
	slave = os.NewFile(peer, "terminal")
	t.Cleanup(func() { slave.Close(); master.Close() })
	if _, err := term.MakeRaw(int(peer)); err != nil {
		t.Fatal(err)
	}
	return master, slave
}

var allEnds = map[string]func(*testing.T) ends{"pipes": pipeEnds, "socket": socketEnds, "terminal": terminalEnds}

// echo serves a banner, then what it gets, then "the end".
func echo(conn *net.UnixConn) {
	io.WriteString(conn, contract.Banner()+"\r\n")
	io.Copy(conn, conn)
	io.WriteString(conn, "the end")
	conn.Close()
}

// copying runs Copy and returns a function that waits for its end, and for the
// end of what it has started.
func copying(t *testing.T, ctx context.Context, sock string, e ends) (wait func() error) {
	t.Helper()
	conn, err := Dial(ctx, sock)
	if err != nil {
		t.Fatal(err)
	}
	before := copiers()
	done := make(chan error, 1)
	go func() { done <- Copy(ctx, conn, e.stdin, e.stdout) }()
	return func() error {
		t.Helper()
		select {
		case err := <-done:
			// What tells Copy that it is done has still to return.
			for end := time.Now().Add(30 * time.Second); copiers() > before; time.Sleep(time.Millisecond) {
				if time.Now().After(end) {
					t.Fatalf("%d goroutines are left by Copy", copiers()-before)
				}
			}
			return err
		case <-time.After(30 * time.Second):
			t.Fatal("Copy does not end")
			return nil
		}
	}
}

// copiers counts the goroutines that Copy has started.
func copiers() int {
	buf := make([]byte, 1<<20)
	buf = buf[:runtime.Stack(buf, true)]
	return bytes.Count(buf, []byte("created by perch/shim/internal/proxy.Copy "))
}

func TestCopyBothWays(t *testing.T) {
	for name, open := range allEnds {
		t.Run(name, func(t *testing.T) {
			sock, e := newSock(t), open(t)
			serve(t, sock, echo)
			wait := copying(t, t.Context(), sock, e)
			data := make([]byte, 1<<20)
			rand.Read(data)
			go e.toCopy.Write(data)
			want := contract.Banner() + "\r\n" + string(data)
			got := make([]byte, len(want))
			if _, err := io.ReadFull(e.fromCopy, got); err != nil || string(got) != want {
				t.Fatalf("the bytes have changed on their way, or: %v", err)
			}
			if e.endInput == nil {
				return // a raw terminal has no end of input but its own
			}
			if err := e.endInput(); err != nil {
				t.Fatal(err)
			}
			// The other side sees that end, and still has something to say.
			got = got[:len("the end")]
			if _, err := io.ReadFull(e.fromCopy, got); string(got) != "the end" || err != nil {
				t.Errorf("after the end of input came %q, %v", got, err)
			}
			if err := wait(); err != nil {
				t.Errorf("Copy = %v", err)
			}
		})
	}
}

// TestCopyEndsWithTheOtherSide although stdin stays open and silent.
func TestCopyEndsWithTheOtherSide(t *testing.T) {
	for name, open := range allEnds {
		t.Run(name, func(t *testing.T) {
			sock, e := newSock(t), open(t)
			serve(t, sock, func(conn *net.UnixConn) { io.WriteString(conn, contract.Banner()+"\r\n"); conn.Close() })
			if err := copying(t, t.Context(), sock, e)(); err != nil {
				t.Errorf("Copy = %v", err)
			}
			got := make([]byte, 100)
			if n, err := e.fromCopy.Read(got); string(got[:n]) != contract.Banner()+"\r\n" {
				t.Errorf("read %q, %v", got[:n], err)
			}
		})
	}
}

// TestCopyEndsWithItsContext while the client reads nothing, the other side
// takes nothing, and neither has ended.
func TestCopyEndsWithItsContext(t *testing.T) {
	for name, open := range allEnds {
		t.Run(name, func(t *testing.T) {
			sock, e := newSock(t), open(t)
			served := make(chan *net.UnixConn, 1)
			serve(t, sock, func(conn *net.UnixConn) {
				served <- conn
				io.WriteString(conn, contract.Banner()+"\r\n")
				for { // until Copy is gone
					if _, err := conn.Write(make([]byte, 1<<16)); err != nil {
						return
					}
				}
			})
			ctx, cancel := context.WithCancel(t.Context())
			wait := copying(t, ctx, sock, e)
			defer func() { (<-served).Close() }()
			if name != "terminal" { // a terminal would throw input away
				fill(t, e.toCopy)
			}
			cancel()
			if err := wait(); !errors.Is(err, context.Canceled) {
				t.Errorf("Copy = %v, want that it was cancelled", err)
			}
		})
	}
}

// fill writes until nothing more goes in, so that Copy is stuck on both ways.
func fill(t *testing.T, f *os.File) {
	t.Helper()
	fd := int(f.Fd())
	for stuck := 0; stuck < 3; {
		fds := []unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}
		n, err := unix.Poll(fds, 50)
		if err != nil && err != unix.EINTR {
			t.Fatal(err)
		}
		if n == 0 {
			stuck++
			continue
		}
		if _, err := unix.Write(fd, make([]byte, pipeBuf)); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCopyEndsWhenTheClientIsGone: nobody reads stdout any more.
func TestCopyEndsWhenTheClientIsGone(t *testing.T) {
	for _, name := range []string{"pipes", "socket"} {
		t.Run(name, func(t *testing.T) {
			sock, e := newSock(t), allEnds[name](t)
			serve(t, sock, func(conn *net.UnixConn) {
				io.WriteString(conn, contract.Banner()+"\r\n")
				io.Copy(io.Discard, conn) // it would stay
			})
			e.fromCopy.Close()
			if err := copying(t, t.Context(), sock, e)(); !errors.Is(err, unix.EPIPE) {
				t.Errorf("Copy = %v, want that stdout is gone", err)
			}
		})
	}
}

// TestCopyLeavesFlags: others share these descriptors.
func TestCopyLeavesFlags(t *testing.T) {
	sock, e := newSock(t), pipeEnds(t)
	serve(t, sock, echo)
	wait := copying(t, t.Context(), sock, e)
	if _, err := io.ReadFull(e.fromCopy, make([]byte, len(contract.Banner()))); err != nil {
		t.Fatal(err)
	}
	for _, f := range []*os.File{e.stdin, e.stdout} {
		if flags, err := unix.FcntlInt(f.Fd(), unix.F_GETFL, 0); err != nil || flags&unix.O_NONBLOCK != 0 {
			t.Errorf("%s has become non-blocking: %#x, %v", f.Name(), flags, err)
		}
	}
	if err := e.endInput(); err != nil {
		t.Fatal(err)
	}
	if err := wait(); err != nil {
		t.Errorf("Copy = %v", err)
	}
}

// BenchmarkCopy is the way down through pipes, as for a laptop's ssh.
func BenchmarkCopy(b *testing.B) {
	// A benchmark has no *testing.T for ends, so it opens its own.
	for range b.N {
		benchmarkOnce(b, 256<<20)
	}
	b.SetBytes(256 << 20)
}

func benchmarkOnce(b *testing.B, size int64) {
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, 0)
	if err != nil {
		b.Fatal(err)
	}
	conns := [2]*os.File{os.NewFile(uintptr(fds[0]), "job"), os.NewFile(uintptr(fds[1]), "socket")}
	in, keepOpen, _ := os.Pipe()
	r, w, _ := os.Pipe()
	defer func() { in.Close(); keepOpen.Close(); r.Close(); w.Close() }()
	go func() {
		buf := make([]byte, 1<<16)
		for sent := int64(0); sent < size; sent += int64(len(buf)) {
			conns[0].Write(buf)
		}
		conns[0].Close()
	}()
	go io.Copy(io.Discard, r)
	if err := Copy(context.Background(), conns[1], in, w); err != nil {
		b.Fatal(err)
	}
}
