package standin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// errSaid says that perch has told the user already what went wrong.
var errSaid = errors.New("")

// perch runs the program perch, which lies beside this one and knows the
// configuration and the engines. It shares nothing with this process but
// stderr, and ends with it.
func (s *standIn) perch(ctx context.Context, args ...string) error {
	own, err := self()
	if err != nil {
		return err
	}
	program := filepath.Join(filepath.Dir(own), "perch")
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd := exec.CommandContext(ctx, program, args...)
	cmd.Stdout, cmd.Stderr = os.Stderr, os.Stderr
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGTERM}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 5 * time.Second
	err = cmd.Run()
	var status *exec.ExitError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &status):
		return errSaid
	}
	return fmt.Errorf("running %s: %w; install perch beside perch-ssh", program, err)
}
