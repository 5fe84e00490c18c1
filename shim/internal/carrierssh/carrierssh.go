// Package carrierssh stands around the ssh that condor_ssh_to_job starts for a
// carrier, so that neither outlives the other: condor_ssh_to_job does not end
// its ssh when it is killed, and leaves its key files behind.
package carrierssh

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/google/renameio/v2"
	"golang.org/x/sys/unix"

	"perch/shim/internal/stockssh"
)

// Flag is the first argument of perch-ssh that calls Become. No ssh takes an
// option of two dashes.
const Flag = "--carrier"

// TakeFlag is the first argument of perch-ssh that calls proxy.TakeFD.
const TakeFlag = "--take"

// offerName is the socket in condor_ssh_to_job's directory on which it passes
// its connection to sshd to whoever connects first: its own proxy command, or
// ours (HTCondor's condor_tools/ssh_to_job.cpp).
const offerName = "fdpass"

// proxyOption is how condor_ssh_to_job gives ssh its proxy command.
const proxyOption = "-oProxyCommand="

// NoteName is the file beside the carrier's socket that says what there is to
// sweep: the process, and the directory of condor_ssh_to_job's files.
const NoteName = "carrier.tmp"

// grace is how long an ssh asked to end may take before it is killed, and
// comeToSSH how long condor_ssh_to_job may take to start it.
const (
	grace     = 5 * time.Second
	comeToSSH = 30 * time.Second
)

// Become turns this process into the ssh of a carrier, args[1:] being its
// command line and args[0] the note to write. The kernel kills it together
// with its parent. It returns only if it fails.
func Become(args []string) error {
	if len(args) < 2 {
		return errors.New("carrier: no command; this flag is perch keep's own")
	}
	if err := tie(); err != nil {
		return err
	}
	n := note{pid: os.Getpid(), dir: sessionDir(args[2:])}
	if err := renameio.WriteFile(args[0], n.bytes(), 0o600); err != nil {
		return fmt.Errorf("noting the carrier: %w", err)
	}
	argv, err := ownProxy(args[1:], n.dir)
	if err != nil {
		return err
	}
	return run(argv)
}

// tie has the kernel kill this thread, and what it becomes, when its parent has
// died.
func tie() error {
	runtime.LockOSThread()
	if err := unix.Prctl(unix.PR_SET_PDEATHSIG, uintptr(syscall.SIGKILL), 0, 0, 0); err != nil {
		return fmt.Errorf("tying the carrier to its parent: %w", err)
	}
	if os.Getppid() == 1 {
		return errors.New("carrier: its parent has ended already")
	}
	return nil
}

// ownProxy replaces ssh's proxy command, condor_ssh_to_job -proxy, which copies
// every byte in blocks of 1 KiB and turns in a loop for ever when ssh was
// killed: by TakeFlag, ssh gets the connection itself.
func ownProxy(argv []string, dir string) ([]string, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("finding perch-ssh itself: %w", err)
	}
	var own []string
	for _, arg := range argv {
		if !strings.HasPrefix(arg, proxyOption) {
			own = append(own, arg)
			continue
		}
		take := []string{self, TakeFlag, filepath.Join(dir, offerName)}
		own = append(own, proxyOption+stockssh.ProxyValue(take), "-oProxyUseFdpass=yes")
	}
	return own, nil
}

func run(argv []string) error {
	if err := syscall.Exec(argv[0], argv, os.Environ()); err != nil {
		return fmt.Errorf("running %s: %w", argv[0], err)
	}
	return nil
}

// sessionDir finds the directory that condor_ssh_to_job made, by the identity
// file that it gives to ssh.
func sessionDir(args []string) string {
	for _, arg := range args {
		if path, ok := strings.CutPrefix(arg, "-oIdentityFile="); ok {
			return filepath.Dir(strings.Trim(path, `"`))
		}
	}
	return ""
}

// End asks the ssh that the note names to end, upon which condor_ssh_to_job
// cleans up and ends too, and kills condor_ssh_to_job if it does not. One that
// has not come to its ssh yet gets the time to: killed before, it would leave
// files that no note names.
func End(path string, parent *os.Process) { end(path, parent, comeToSSH) }

func end(path string, parent *os.Process, unnoted time.Duration) {
	asked := false
	for deadline := time.Now().Add(unnoted); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if parent.Signal(syscall.Signal(0)) != nil {
			return
		}
		if n := read(path); !asked && n.pid > 0 && parentOf(n.pid) == parent.Pid {
			asked = syscall.Kill(n.pid, syscall.SIGTERM) == nil
			deadline = time.Now().Add(grace)
		}
	}
	_ = parent.Kill()
}

// Await waits until a carrier has come to its ssh and written its note, or ctx
// ends.
func Await(ctx context.Context, path string) {
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for read(path).pid == 0 {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// Sweep removes what a carrier left: its ssh, should it still run, and the
// directory of its keys.
func Sweep(path string) {
	n := read(path)
	if n.pid > 0 && runs(n.pid, filepath.Dir(path)) {
		_ = syscall.Kill(n.pid, syscall.SIGKILL)
	}
	if ownSessionDir(n.dir) {
		_ = os.RemoveAll(n.dir)
	}
	_ = os.Remove(path)
}

// SweepAll sweeps all carriers whose notes lie in dir.
func SweepAll(dir string) {
	notes, err := filepath.Glob(filepath.Join(dir, NoteName+"*"))
	if err != nil {
		return
	}
	for _, note := range notes {
		Sweep(note)
	}
}

// ownSessionDir makes sure that a note cannot make us remove anything else.
func ownSessionDir(dir string) bool {
	st, err := os.Lstat(dir)
	if err != nil || !st.IsDir() || !strings.Contains(filepath.Base(dir), ".condor_ssh_to_job_") {
		return false
	}
	sys, ok := st.Sys().(*syscall.Stat_t)
	return ok && int(sys.Uid) == os.Getuid()
}

// runs says whether process pid has a path below dir on its command line:
// numbers are used again.
func runs(pid int, dir string) bool {
	line, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	return err == nil && strings.Contains(string(line), dir+"/")
}

func parentOf(pid int) int {
	data, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(data), ") ")
	fields := strings.Fields(rest)
	if len(fields) < 2 {
		return 0
	}
	ppid, _ := strconv.Atoi(fields[1])
	return ppid
}

type note struct {
	pid int
	dir string
}

func (n note) bytes() []byte { return fmt.Appendf(nil, "%d\n%s\n", n.pid, n.dir) }

func read(path string) note {
	data, err := os.ReadFile(path)
	if err != nil {
		return note{}
	}
	return parse(data)
}

// parse reads a note. A number that is no process, such as -1 (all of them), is
// 0.
func parse(data []byte) note {
	pid, dir, _ := strings.Cut(strings.TrimSpace(string(data)), "\n")
	n := note{dir: dir}
	if number, err := strconv.Atoi(pid); err == nil {
		n.pid = max(number, 0)
	}
	return n
}
