package main

import (
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/tty"
)

// conversation is a client whose command answers line by line.
type conversation struct {
	t      *testing.T
	stdin  io.Writer
	stdout screen
	stderr screen
}

func (j *job) converse(args ...string) *conversation {
	j.t.Helper()
	c := &conversation{t: j.t}
	cmd := j.client("ssh", args...)
	cmd.Stdout, cmd.Stderr = &c.stdout, &c.stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		j.t.Fatal(err)
	}
	c.stdin = stdin
	if err := cmd.Start(); err != nil {
		j.t.Fatal(err)
	}
	j.t.Cleanup(func() { endClient(cmd) })
	return c
}

func endClient(cmd *exec.Cmd) {
	cmd.Process.Kill()
	cmd.Wait()
}

// wantEcho wants a command such as cat to answer.
func (c *conversation) wantEcho(text string) {
	c.t.Helper()
	io.WriteString(c.stdin, text+"\n")
	eventually(c.t, fmt.Sprintf("it answers %q, stderr %q", text, &c.stderr), func() bool { return strings.Contains(c.stdout.String(), text) })
}

// One connection that opens all the files that the job's server may have gets no
// more; nobody else loses what they have, each is told why, and perch can still
// speak with the job.
func TestFewDescriptorsLeft(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	const limit = 256
	if err := unix.Prlimit(j.servePID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		t.Fatal(err)
	}
	why := fmt.Sprintf("the job's server may open %d files, which all its sessions and forwards share, and few are left; close some and try again", limit)
	other := j.converse("job", "cat")
	other.wantEcho("before")

	socket := filepath.Join(t.TempDir(), "f")
	target := serveUpper(t, "tcp", "127.0.0.1:0").Addr().String()
	hog := j.converse("-N", "-L", socket+":"+target, "job")
	var opened []net.Conn
	eventually(t, "a forward is refused", func() bool {
		if conn, err := net.Dial("unix", socket); err == nil {
			t.Cleanup(func() { conn.Close() })
			opened = append(opened, conn)
		}
		return strings.Contains(hog.stderr.String(), "open failed: resource shortage: "+why)
	})
	if n := len(opened); n < limit/2 {
		t.Errorf("%d forwards of a limit of %d", n, limit)
	}

	// The last forward may have left room for the connection, but not for the session.
	said := regexp.MustCompile("(Received disconnect from UNKNOWN port 65535:11|channel 0: open failed: resource shortage): " + why)
	if got := j.ssh("", "job", "echo in"); got.code != 255 || !said.MatchString(got.stderr) {
		t.Errorf("a new connection: got %+v", got)
	}
	other.wantEcho("meanwhile")
	as := []string{"-l", contract.ControlUser, "-s", "job", contract.Subsystem}
	if got := j.ssh("what\n", as...); !strings.HasPrefix(got.stdout, "error: there is no command") {
		t.Errorf("perch itself: got %+v", got)
	}
	for _, conn := range opened {
		conn.Close()
	}
	eventually(t, "there is room again", func() bool { return j.ssh("", "job", "echo in") == result{"in\n", "", 0} })
	other.wantEcho("after")
}

// A master's new session is refused by the server, and the one it has goes on.
func TestFewDescriptorsLeftForASession(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	control := filepath.Join(t.TempDir(), "c")
	master := j.converse("-M", "-S", control, "job", "cat")
	master.wantEcho("before")
	open, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", j.servePID()))
	if err != nil {
		t.Fatal(err)
	}
	limit := uint64(len(open) + 8) // the refused client, as OpenSSH's does, connects by itself then
	if err := unix.Prlimit(j.servePID(), unix.RLIMIT_NOFILE, &unix.Rlimit{Cur: limit, Max: limit}, nil); err != nil {
		t.Fatal(err)
	}
	if got := j.ssh("", "-S", control, "job", "echo in"); got.stdout != "" || got.code != 255 {
		t.Errorf("got %+v", got)
	}
	eventually(t, "the master says why", func() bool {
		return strings.Contains(master.stderr.String(), fmt.Sprintf("open failed: resource shortage: the job's server may open %d files", limit))
	})
	master.wantEcho("after")
}

// What is refused of remote forwards is said once, in a session.
func TestTooManyRemoteForwards(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	const limit = 128
	forwards := func(name string) (o []string) {
		for i := range limit + 3 {
			o = append(o, "-R", fmt.Sprintf("%s/%s%d:127.0.0.1:1", j.home, name, i))
		}
		return o
	}
	const why = "perch: refusing a remote forward: this connection has 128, which is the limit; cancel some, or use another connection"
	t.Run("pipes", func(t *testing.T) {
		c := j.converse(append(forwards("p"), "job", "cat")...)
		eventually(t, "all have their answers", func() bool {
			return strings.Count(c.stderr.String(), "remote port forwarding failed") == 3 && strings.Contains(c.stderr.String(), why)
		})
		c.wantEcho("goes on")
		if n := strings.Count(c.stderr.String(), "perch:"); n != 1 {
			t.Errorf("it is said %d times: %s", n, &c.stderr)
		}
		if c.stdout.String() != "goes on\n" {
			t.Errorf("stdout has %q", &c.stdout)
		}
	})
	t.Run("terminal", func(t *testing.T) {
		w := j.open(tty.Size{Columns: 200, Rows: 24}, nil, append(forwards("t"), "-t", "job", "cat")...)
		w.wait(t, why+"\r\n")
		io.WriteString(w, "goes on\n")
		w.wait(t, "goes on\r\ngoes on\r\n")
	})
}
