package htcondor

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
	"perch/shim/internal/carrierssh"
	"perch/shim/internal/engine"
)

// listener is the carrier of a site that forbids forwarding: each connection
// runs a condor_ssh_to_job of its own, which copies bytes.
type listener struct {
	done chan struct{}
	err  error
}

// Wait blocks until the listener has ended.
func (l *listener) Wait() error {
	<-l.done
	return l.err
}

func (e *Engine) carryEach(ctx context.Context, j engine.Job, sock string) (engine.Carrier, error) {
	if err := os.Remove(sock); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, fmt.Errorf("removing an old socket: %w", err)
	}
	lis, err := net.ListenUnix("unix", &net.UnixAddr{Name: sock, Net: "unix"})
	if err != nil {
		return nil, fmt.Errorf("listening for connections to job %s: %w; set XDG_RUNTIME_DIR to a shorter path", j.ID, err)
	}
	if err := os.Chmod(sock, 0o600); err != nil {
		lis.Close()
		return nil, fmt.Errorf("closing the socket to others: %w", err)
	}
	l := &listener{done: make(chan struct{})}
	go func() {
		defer close(l.done)
		stop := context.AfterFunc(ctx, func() { lis.Close() })
		defer stop()
		l.err = e.serveEach(ctx, j, lis)
	}()
	return l, nil
}

func (e *Engine) serveEach(ctx context.Context, j engine.Job, lis *net.UnixListener) error {
	var running sync.WaitGroup
	defer running.Wait()
	way := make(chan struct{}, entering)
	notes := filepath.Join(filepath.Dir(lis.Addr().String()), carrierssh.NoteName)
	for n := 0; ; n++ {
		conn, err := lis.AcceptUnix()
		if err != nil {
			return fmt.Errorf("waiting for connections: %w", err)
		}
		note := fmt.Sprintf("%s.%d", notes, n)
		running.Go(func() { e.enter(ctx, j, conn, note, way) })
	}
}

// entering is how many connections may be on their way into the job at a time:
// each asks the schedd, which answers ten at once with failures.
const entering = 2

// drainLimit is how long ssh may take to hand on what came before the end.
const drainLimit = time.Second

// leaveLimit is how long condor_ssh_to_job may take to end by itself when who was
// connected has gone. HTCondor may have left it without an answer, and would not end
// the job before it.
const leaveLimit = 10 * time.Second

// awaitHangup waits until the other side has closed conn altogether, of which it
// reads nothing, or ctx ends.
func awaitHangup(ctx context.Context, conn syscall.Conn) {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for !hungUp(conn) {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func hungUp(conn syscall.Conn) (gone bool) {
	raw, err := conn.SyscallConn()
	if err == nil {
		err = raw.Control(func(fd uintptr) {
			fds := []unix.PollFd{{Fd: int32(fd)}}
			n, _ := unix.Poll(fds, 0)
			gone = n > 0 && fds[0].Revents&unix.POLLHUP != 0
		})
	}
	return gone || err != nil
}

// enter runs, when there is room in way, the entrypoint's copy in the scratch
// directory, where the command starts: outside of the container on 23.x, inside
// on 25.x, so the path is relative and the program static. The connection
// itself is its stdin and stdout.
func (e *Engine) enter(ctx context.Context, j engine.Job, conn *net.UnixConn, note string, way chan struct{}) {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go func() { awaitHangup(ctx, conn); time.AfterFunc(leaveLimit, cancel) }()
	select {
	case way <- struct{}{}:
	case <-ctx.Done():
		return
	}
	entered := sync.OnceFunc(func() { <-way })
	defer entered()
	go func() { carrierssh.Await(ctx, note); entered() }()
	end, err := conn.File()
	if err != nil {
		return
	}
	defer end.Close()
	ssh := strings.Join(append([]string{e.PerchSSH, carrierssh.Flag, note, e.SSH}, hardened...), " ")
	cmd := exec.CommandContext(ctx, "condor_ssh_to_job", "-ssh", ssh, j.ID,
		filepath.Join(contract.Dir, contract.ProgramName)+" "+contract.CommandCarry)
	cmd.Stdin, cmd.Stdout = end, end
	cmd.Stderr = &watcher{text: contract.CarryEnded, seen: func() { time.AfterFunc(drainLimit, cancel) }}
	cmd.WaitDelay = 2 * time.Second // after Cancel, which waits for the end
	cmd.Cancel = func() error { carrierssh.End(note, cmd.Process); return nil }
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if cmd.Start() != nil {
		return
	}
	_ = cmd.Wait()
	// Its ssh, and what that has started, may be left in its group.
	_ = syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL)
	carrierssh.Sweep(note)
}
