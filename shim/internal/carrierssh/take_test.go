package carrierssh

import (
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestTake offers one end of a pair as condor_ssh_to_job does, and reads from
// what ssh would have got.
func TestTake(t *testing.T) {
	near, far := pair(t)
	stdout, ssh := pair(t)
	sock := filepath.Join(t.TempDir(), offerName)
	lis, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock, Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	go func() {
		conn, err := lis.AcceptUnix()
		if err != nil {
			return
		}
		defer conn.Close()
		_, _, _ = conn.WriteMsgUnix([]byte{0}, unix.UnixRights(int(near.Fd())), nil)
	}()
	if err := Take([]string{sock}, stdout); err != nil {
		t.Fatal(err)
	}
	conn, err := net.FileConn(ssh)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fd, err := receiveFrom(conn.(*net.UnixConn))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := far.WriteString("from sshd"); err != nil {
		t.Fatal(err)
	}
	far.Close()
	near.Close()
	taken := os.NewFile(uintptr(fd), "taken")
	defer taken.Close()
	if got, err := io.ReadAll(taken); string(got) != "from sshd" || err != nil {
		t.Errorf("ssh reads %q, %v", got, err)
	}
}

func TestTakeRefuses(t *testing.T) {
	dir := t.TempDir()
	silent := filepath.Join(dir, "silent")
	lis, err := net.Listen("unix", silent)
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	go func() {
		if conn, err := lis.Accept(); err == nil {
			conn.Close()
		}
	}()
	for _, c := range []struct {
		args []string
		want string
	}{
		{nil, "perch keep's own"},
		{[]string{filepath.Join(dir, "none")}, "taking the connection from condor_ssh_to_job: dial"},
		{[]string{silent}, "taking the connection from condor_ssh_to_job: read"},
	} {
		if err := Take(c.args, os.Stdout); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%q: %v", c.args, err)
		}
	}
}

// pair returns two connected sockets.
func pair(t *testing.T) (a, b *os.File) {
	t.Helper()
	fds, err := unix.Socketpair(unix.AF_UNIX, unix.SOCK_STREAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		t.Fatal(err)
	}
	a, b = os.NewFile(uintptr(fds[0]), "a"), os.NewFile(uintptr(fds[1]), "b")
	t.Cleanup(func() { a.Close(); b.Close() })
	return a, b
}
