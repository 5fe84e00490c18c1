package standin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

// errSaid says that perch has told the user already what went wrong.
var errSaid = errors.New("")

// untilSignal is only for what takes time: catching signals is a good part of
// the start of a program that is over in milliseconds.
func untilSignal(ctx context.Context) (context.Context, context.CancelFunc) {
	return signal.NotifyContext(ctx, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
}

// perch runs the program perch, which lies beside this one and knows the
// configuration and the engines. It shares nothing with this process but
// stderr, and ends with it: a signal to this process is passed on.
func (s *standIn) perch(ctx context.Context, args ...string) error {
	own, err := self()
	if err != nil {
		return err
	}
	program := filepath.Join(filepath.Dir(own), "perch")
	ctx, stop := untilSignal(ctx)
	defer stop()
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
