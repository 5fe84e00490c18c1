package keep

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"perch/shim/internal/engine"
	"perch/shim/internal/target"
)

// Start has program, which is perch, keep the carrier of a job: in a session
// of its own, with none of the caller's descriptors. It does not wait. If
// another keep has the target's lock, the new one ends by itself.
func Start(program string, t target.Target, j engine.Job) error {
	log, err := os.OpenFile(filepath.Join(t.State, target.KeepLog), os.O_CREATE|os.O_APPEND|os.O_WRONLY|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return fmt.Errorf("opening keep's log: %w; free some space and try again", err)
	}
	defer log.Close()
	if err := hideDescriptors(); err != nil {
		return err
	}
	cmd := exec.Command(program, "keep", t.JDL, j.ID)
	cmd.Dir = "/"
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("starting perch keep: %w", err)
	}
	return cmd.Process.Release()
}

// hideDescriptors keeps what this process has inherited, an IDE's pipes among
// them, from its children: who holds a pipe's end keeps it open for hours.
func hideDescriptors() error {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return fmt.Errorf("listing descriptors: %w", err)
	}
	for _, entry := range fds {
		if fd, err := strconv.Atoi(entry.Name()); err == nil && fd > 2 {
			unix.CloseOnExec(fd)
		}
	}
	return nil
}
