package local

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"

	"perch/shim/bundle"
)

// task prepares the job's program, in a container or without.
func (e *entry) task(scratch string) (*task, error) {
	t := &task{}
	if err := e.prepare(t, scratch); err != nil {
		t.close()
		return nil, err
	}
	// If this process is killed, the job has to end. In a container runc
	// passes the signal on.
	t.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Pdeathsig: syscall.SIGTERM}
	return t, nil
}

func (e *entry) prepare(t *task, scratch string) error {
	argv := e.command()
	if !filepath.IsAbs(argv[0]) {
		argv[0] = filepath.Join(scratch, argv[0])
	}
	var err error
	if e.Image != "" {
		err = e.contain(t, argv, scratch)
	} else {
		t.cmd = exec.Command(argv[0], argv[1:]...)
		t.cmd.Dir, t.cmd.Env = scratch, e.environment(scratch)
		t.end = func() error { return killAll(descendants, 0) }
	}
	if err != nil {
		return err
	}
	return e.openFiles(t)
}

// contain makes the bundle and the command that runs it.
func (e *entry) contain(t *task, argv []string, scratch string) error {
	b, err := bundle.Make(e.bundleDir(), bundle.Job{
		Image: e.Image, Scratch: scratch, UID: os.Geteuid(), GID: os.Getegid(),
		Args: argv, Env: e.environment(scratch), Binds: []string{"/cvmfs"},
	})
	if err != nil {
		return err
	}
	t.end = func() error { return b.Remove(context.Background()) }
	t.cmd, err = b.Command(context.Background())
	return err
}

// openFiles opens the program's standard files.
func (e *entry) openFiles(t *task) (err error) {
	open := func(path string, flag int) (*os.File, error) {
		f, err := os.OpenFile(path, flag, 0o644)
		if err != nil {
			return nil, fmt.Errorf("opening the job's files: %w", err)
		}
		t.files = append(t.files, f)
		return f, nil
	}
	const write = os.O_CREATE | os.O_TRUNC | os.O_WRONLY
	if t.cmd.Stdin, err = open(e.Input, os.O_RDONLY); err != nil {
		return err
	}
	if t.cmd.Stdout, err = open(e.Output, write); err != nil {
		return err
	}
	if e.Error == e.Output {
		t.cmd.Stderr = t.cmd.Stdout
		return nil
	}
	t.cmd.Stderr, err = open(e.Error, write)
	return err
}
