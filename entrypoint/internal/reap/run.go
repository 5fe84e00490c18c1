// Package reap is the init of a job: it starts one child, passes signals on to
// it, waits for whatever is left behind by processes below it, and ends all of
// them when the child has ended.
//
// It never uses os/exec: a wait for any child would steal exit statuses from
// it, which is why serve, which does use it, is a process of its own.
package reap

import (
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
)

// Run starts this program anew with argv (its name first), looks after it and
// all processes below it, and returns its exit status: 128 and the signal's
// number where a signal ended it. Nothing below it runs when it returns.
func Run(argv []string, stderr io.Writer) int {
	// The child's parent-death signal is sent when the thread ends that
	// started it (prctl(2), PR_SET_PDEATHSIG), so this thread has to stay.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if err := unix.Prctl(unix.PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0); err != nil && os.Getpid() != 1 {
		fmt.Fprintf(stderr, "perch-entrypoint: becoming a subreaper: %v; processes that leave their session may outlive the job\n", err)
	}
	signals := make(chan os.Signal, 128)
	signal.Notify(signals)
	defer signal.Stop(signals)

	child, err := start(argv)
	if err != nil {
		fmt.Fprintf(stderr, "perch-entrypoint: starting %s: %v\n", argv[len(argv)-1], err)
		return contract.ExitFailure
	}
	status := lookAfter(child, signals)
	if left := endAll(); len(left) > 0 {
		fmt.Fprintf(stderr, "perch-entrypoint: these processes of the job could not be ended: %v\n", left)
	}
	if status.Signaled() {
		fmt.Fprintf(stderr, "perch-entrypoint: %s was ended by the signal %v\n", argv[len(argv)-1], status.Signal())
		return 128 + int(status.Signal())
	}
	return status.ExitStatus()
}

func start(argv []string) (pid int, err error) {
	return syscall.ForkExec(self(), argv, &syscall.ProcAttr{
		Env:   os.Environ(),
		Files: []uintptr{0, 1, 2},
		Sys:   &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM},
	})
}

// self is the path of this program. The link in /proc works although the file
// was replaced or deleted; its target is nicer to read in ps.
func self() string {
	const link = "/proc/self/exe"
	if path, err := os.Readlink(link); err == nil && unix.Access(path, unix.X_OK) == nil {
		return path
	}
	return link
}

// lookAfter forwards signals to child until it has ended.
func lookAfter(child int, signals <-chan os.Signal) syscall.WaitStatus {
	for s := range signals {
		switch s {
		case syscall.SIGCHLD, syscall.SIGURG, syscall.SIGPIPE, syscall.SIGTTIN, syscall.SIGTTOU:
			// SIGURG is what the Go runtime sends to itself; the last three
			// speak of this process's own reads and writes.
		default:
			syscall.Kill(child, s.(syscall.Signal))
		}
		// After every signal: a SIGCHLD may have been lost in a flood.
		if status, ended := reapUntil(child); ended {
			return status
		}
	}
	panic("signals are never closed")
}

// reapUntil waits for all children that have ended, and says whether child was
// among them.
func reapUntil(child int) (status syscall.WaitStatus, ended bool) {
	for {
		var s syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &s, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil || pid == 0:
			return status, ended
		case pid == child:
			status, ended = s, true
		}
	}
}
