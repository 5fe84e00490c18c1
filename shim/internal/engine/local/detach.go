package local

import (
	"fmt"
	"math"
	"os"
	"os/exec"
	"syscall"

	"golang.org/x/sys/unix"
)

// StarterCommand is the hidden command of Engine.Program that calls Starter
// with its one argument, the job's folder.
const StarterCommand = "local-starter"

// startStarter starts the job's starter in a session of its own, with nothing
// of ours open in it. It waits for the queue's lock, which the caller has, until
// the caller has noted who it is.
func (e *Engine) startStarter(job *entry) (process, error) {
	log, err := os.OpenFile(job.path("starter.log"), os.O_CREATE|os.O_WRONLY|os.O_APPEND, 0o600)
	if err != nil {
		return process{}, fmt.Errorf("opening the starter's log: %w", err)
	}
	defer log.Close()
	// Descriptors that we were started with would go on to the starter, and
	// hold up whoever waits for their end. None is wanted in any child.
	if err := unix.CloseRange(3, math.MaxUint32, unix.CLOSE_RANGE_CLOEXEC); err != nil {
		closeOnExec()
	}
	cmd := exec.Command(e.Program, StarterCommand, job.dir)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return process{}, fmt.Errorf("starting the job's starter: %w; reinstall perch", err)
	}
	starter, err := identify(cmd.Process.Pid)
	go cmd.Wait() // reaps it, if it ends before we do
	if err != nil {
		return process{}, fmt.Errorf("starting the job's starter: it ended at once: %s", job.lastWords())
	}
	return starter, nil
}

// closeOnExec is for kernels before 5.11.
func closeOnExec() {
	entries, _ := os.ReadDir("/proc/self/fd")
	for _, entry := range entries {
		var fd int
		if n, _ := fmt.Sscan(entry.Name(), &fd); n == 1 && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
}
