package login

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// ErrNoShell says that the image has nothing to run commands with.
var ErrNoShell = errors.New("the image has no shell, neither the user's own nor bash nor sh; put one in to run commands")

// maxArgument is how long one argument of a program may be, with the zero at
// its end (execve(2): MAX_ARG_STRLEN, 32 pages).
const maxArgument = 128 << 10

// LoginShell returns the command for a login shell: argv[0] begins with "-", as
// login(1) has it. Requested are the client's variables. It has no files yet.
func (a Account) LoginShell(requested map[string]string) (*exec.Cmd, error) {
	if a.Shell == "" {
		return nil, ErrNoShell
	}
	a.Profile.changed() // which is in place then
	return &exec.Cmd{Path: a.Shell, Args: []string{"-" + filepath.Base(a.Shell)}, Dir: a.Home,
		Env: a.environ(nil, requested)}, nil // it reads the profile by itself
}

// Command returns the command that has the shell run line, in the environment
// with the profile, for which it may wait some seconds once. A line that is too
// long for an argument reaches the shell as a script in memory; close the files
// in ExtraFiles once the command has been started.
func (a Account) Command(line string, requested map[string]string) (*exec.Cmd, error) {
	if a.Shell == "" {
		return nil, ErrNoShell
	}
	cmd := &exec.Cmd{Path: a.Shell, Args: []string{filepath.Base(a.Shell), "-c", line}, Dir: a.Home,
		Env: a.Environ(requested)}
	if len(line) < maxArgument {
		return cmd, nil
	}
	script, err := inMemory(line)
	if err != nil {
		return nil, fmt.Errorf("passing a command of %d bytes to the shell: %w", len(line), err)
	}
	cmd.Args = []string{filepath.Base(a.Shell), "/proc/self/fd/3"}
	cmd.ExtraFiles = []*os.File{script}
	return cmd, nil
}

func inMemory(text string) (*os.File, error) {
	fd, err := unix.MemfdCreate("command", unix.MFD_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("memfd_create", err)
	}
	f := os.NewFile(uintptr(fd), "command")
	if _, err := f.WriteString(text); err != nil {
		f.Close()
		return nil, err
	}
	return f, nil
}
