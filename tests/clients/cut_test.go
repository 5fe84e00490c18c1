package clients

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"
)

// endless is the size of a file that no client gets across before it is cut.
// It is sparse, and no more than some of it ever arrives.
const endless = 16 << 30

// transferMark is the variable that all processes of a transfer have.
const transferMark = "CLIENTS_TRANSFER"

// transfer is one under way.
type transfer struct {
	*cell
	// line and vars are what the user types; dir is where it arrives.
	line string
	vars []string
	dir  string
	// tap takes a line for each MiB that may come; nil lets all come.
	tap    *os.File
	cmd    *exec.Cmd
	ended  chan error
	mark   string
	stderr *bytes.Buffer
}

// begin starts a transfer that does not end by itself, and waits until a good
// part of it has arrived.
func (c *cell) begin(t *testing.T) *transfer {
	t.Helper()
	var tr *transfer
	if _, ok := c.lines[held]; ok {
		tr = c.held(t)
	} else {
		tr = c.endless(t)
	}
	ctx, stop := context.WithTimeout(context.Background(), patience)
	t.Cleanup(stop)
	tr.ended, tr.mark, tr.stderr = make(chan error, 1), transferMark+"="+tr.dir, &bytes.Buffer{}
	tr.vars = append(tr.vars, tr.mark)
	tr.cmd = c.sh(ctx, tr.line, tr.vars...)
	tr.cmd.Stderr = tr.stderr
	if err := tr.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() { tr.ended <- tr.cmd.Wait() }()
	t.Cleanup(func() { tr.putAway(t) })
	tr.grows(t, 1<<20)
	return tr
}

// endless puts a file that is too large to arrive.
func (c *cell) endless(t *testing.T) *transfer {
	t.Helper()
	if err := os.WriteFile(c.here("endless"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(c.here("endless"), endless); err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(c.there("long"), 0o755); err != nil {
		t.Fatal(err)
	}
	return &transfer{cell: c, line: c.lines[put], vars: c.vars("endless", "long/endless"), dir: c.there("long")}
}

// putAway ends the transfer and takes away what there is of it.
func (tr *transfer) putAway(t *testing.T) {
	t.Helper()
	tr.kill(t, "")
	if line, ok := tr.lines[release]; ok {
		ctx, stop := context.WithTimeout(context.Background(), patience)
		defer stop()
		if out, err := tr.sh(ctx, line, tr.vars...).CombinedOutput(); err != nil {
			t.Errorf("%s: %v\n%s", line, err, out)
		}
	}
	os.RemoveAll(tr.dir)
}

// grows waits until so many bytes have arrived.
func (tr *transfer) grows(t *testing.T, size int64) {
	t.Helper()
	if tr.tap != nil { // the second, because some of the first may wait on its way
		if _, err := tr.tap.WriteString("\n\n"); err != nil {
			t.Fatal(err)
		}
	}
	for {
		select {
		case err := <-tr.ended:
			t.Fatalf("the transfer has ended before its cut: %v\nstderr: %s", err, tr.stderr)
		case <-time.After(5 * time.Millisecond):
		}
		if tr.arrived() >= size {
			return
		}
	}
}

// arrived is how much there is, under whatever names: some clients write a file
// beside and rename it.
func (tr *transfer) arrived() int64 { return weight(tr.dir) }

// weight is the size of all files in dir; there may be no dir yet.
func weight(dir string) (size int64) {
	fs.WalkDir(os.DirFS(dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			if info, err := d.Info(); err == nil { // it may just have been renamed
				size += info.Size()
			}
		}
		return nil
	})
	return size
}

// kill kills the processes of the transfer, or those of one name; it returns
// how many there were.
func (tr *transfer) kill(t *testing.T, name string) (killed int) {
	t.Helper()
	procs, err := filepath.Glob("/proc/[0-9]*")
	if err != nil {
		t.Fatal(err)
	}
	for _, proc := range procs {
		environ, _ := os.ReadFile(filepath.Join(proc, "environ")) // it may have ended
		comm, _ := os.ReadFile(filepath.Join(proc, "comm"))
		if !strings.Contains("\x00"+string(environ), "\x00"+tr.mark+"\x00") || name != "" && name != strings.TrimSpace(string(comm)) {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(proc))
		if err != nil {
			t.Fatal(err)
		}
		if syscall.Kill(pid, syscall.SIGKILL) == nil {
			killed++
		}
	}
	return killed
}

// two has a second transfer come and go while a first is under way.
func two(t *testing.T, c *cell) {
	tr := c.begin(t)
	c.roundTrip(t, "second", []byte("whole"))
	tr.grows(t, tr.arrived()+1)
}

// cut ends the connection of a transfer: the process that carries it is killed.
func cut(t *testing.T, c *cell) {
	tr := c.begin(t)
	if n := tr.kill(t, c.transport); n == 0 {
		t.Fatalf("the transfer has no process called %s", c.transport)
	}
	if c.resumes {
		tr.grows(t, tr.arrived()+inFlight)
		tr.putAway(t)
	} else {
		tr.fails(t)
	}
	c.witness.answers(t)
	c.roundTrip(t, "after", []byte("whole"))
}

// inFlight is more than can still arrive over a connection that was cut.
const inFlight = 16 << 20

// fails waits for the end of a transfer that was cut.
func (tr *transfer) fails(t *testing.T) {
	t.Helper()
	select {
	case err := <-tr.ended:
		if err == nil {
			t.Error("the client calls a transfer that was cut a success")
		}
	case <-time.After(patience):
		t.Fatal("the client does not notice that its connection has ended")
	}
	if n := tr.arrived(); n >= endless {
		t.Errorf("all %d bytes have arrived", n)
	}
}
