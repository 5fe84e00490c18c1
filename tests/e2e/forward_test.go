package e2e

import (
	"encoding/binary"
	"io"
	"net"
	"strconv"
	"testing"
	"time"
)

// listenEcho serves echo on a port of loopback and returns host:port.
func listenEcho(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { lis.Close() })
	go func() {
		for {
			conn, err := lis.Accept()
			if err != nil {
				return
			}
			go func() { io.Copy(conn, conn); conn.Close() }()
		}
	}()
	return lis.Addr().String()
}

// freePort is a port that nothing listens on now.
func freePort(t *testing.T) string {
	t.Helper()
	lis, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	return strconv.Itoa(lis.Addr().(*net.TCPAddr).Port)
}

// speak sends a line through a unix socket, ends its side, and wants the line
// and the end back.
func speak(t *testing.T, sock string, greet func(net.Conn)) {
	t.Helper()
	var conn net.Conn
	await(t, "connecting to "+sock, func() (ok bool) {
		var err error
		conn, err = net.Dial("unix", sock)
		return err == nil
	})
	defer conn.Close()
	conn.SetDeadline(time.Now().Add(time.Minute))
	if greet != nil {
		greet(conn)
	}
	if _, err := io.WriteString(conn, "through\n"); err != nil {
		t.Fatalf("%s: %v", sock, err)
	}
	conn.(*net.UnixConn).CloseWrite()
	got, err := io.ReadAll(conn)
	if string(got) != "through\n" || err != nil {
		t.Errorf("%s: got %q, %v", sock, got, err)
	}
}

// socksTo asks a SOCKS proxy (RFC 1928) for a port of the far side's loopback.
func socksTo(t *testing.T, port string) func(net.Conn) {
	return func(conn net.Conn) {
		t.Helper()
		n, _ := strconv.Atoi(port)
		request := append([]byte{5, 1, 0, 5, 1, 0, 1, 127, 0, 0, 1}, binary.BigEndian.AppendUint16(nil, uint16(n))...)
		if _, err := conn.Write(request); err != nil {
			t.Fatal(err)
		}
		answer := make([]byte, 12)
		if _, err := io.ReadFull(conn, answer); err != nil || answer[3] != 0 {
			t.Fatalf("the SOCKS proxy answers %v, %v", answer, err)
		}
	}
}
