package pool

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// users are the accounts of a pool and their ids.
var users = map[string]int{"root": 0, "alice": 1101, "bob": 1102}

// Result is what a program that ran in the pool left.
type Result struct {
	Stdout, Stderr string
	// Code is its exit status; 128 and the signal's number where one ended it.
	Code int
}

// execLimit is for what waits for a thing that never comes, such as a job that no
// machine fits: the longest that is run takes two minutes.
const execLimit = 10 * time.Minute

// Exec runs a program in the pool as root, alice or bob, with no input. The
// error says that it could not be run or did not end before ctx or within ten
// minutes; a status other than 0 is no error.
func (p *Pool) Exec(ctx context.Context, user string, argv ...string) (Result, error) {
	return p.ExecInput(ctx, "", user, argv...)
}

// ExecInput is Exec with a standard input.
func (p *Pool) ExecInput(ctx context.Context, input, user string, argv ...string) (Result, error) {
	ctx, cancel := context.WithTimeout(ctx, execLimit)
	defer cancel()
	cmd := p.Command(ctx, user, argv...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(input), &stdout, &stderr
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); ended && ctx.Err() == nil {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("running %q in pool %s: %w: %s", argv, p.name, errors.Join(err, ctx.Err()), stderr.String())
	}
	return Result{stdout.String(), stderr.String(), cmd.ProcessState.ExitCode()}, err
}

// Command is a program to run in the pool as root, alice or bob. The caller sets
// the standard streams, which become the program's own, and starts it. Its
// working directory is the user's home and its environment that of a login;
// prefix it with "env -C DIR NAME=VALUE" for others. Signals sent to the
// command's process reach the program. When ctx ends the program is killed,
// though not what it has put into the background.
func (p *Pool) Command(ctx context.Context, user string, argv ...string) *exec.Cmd {
	return p.command(ctx, nil, user, argv)
}

// Terminal is Command for a terminal: the program gets one of its own, which is
// joined to the terminal that this process has as standard input.
func (p *Pool) Terminal(ctx context.Context, user string, argv ...string) *exec.Cmd {
	cmd := p.command(ctx, []string{"--tty", "--env", "TERM=" + os.Getenv("TERM")}, user, argv)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	return cmd
}

func (p *Pool) command(ctx context.Context, options []string, user string, argv []string) *exec.Cmd {
	pidFile, err := p.newPidFile()
	id, known := users[user]
	if !known {
		err = fmt.Errorf("the pool has no user %q", user)
	}
	args := []string{"exec", "--user", fmt.Sprintf("%d:%d", id, id), "--cwd", home(user), "--pid-file", pidFile}
	for _, variable := range environment(user) {
		args = append(args, "--env", variable)
	}
	args = append(append(args, options...), p.container())
	cmd := exec.CommandContext(ctx, "runc", append(args, argv...)...)
	cmd.Err = errors.Join(cmd.Err, err)
	cmd.Cancel = func() error { return killProgram(pidFile, cmd.Process) }
	cmd.WaitDelay = 3 * time.Second // for streams that a background process holds
	return cmd
}

// newPidFile makes an empty file for runc to write a program's process id to.
func (p *Pool) newPidFile() (string, error) {
	f, err := os.CreateTemp(filepath.Join(p.dir, "pids"), "")
	if err != nil {
		return "", fmt.Errorf("pool %s is not up: %w", p.name, err)
	}
	return f.Name(), f.Close()
}

// killProgram kills the program whose process id runc has written to pidFile,
// and runc alone as long as it has not: runc killed first would leave it behind.
func killProgram(pidFile string, runc *os.Process) error {
	text, err := os.ReadFile(pidFile)
	if err != nil {
		return err
	}
	pid, err := strconv.Atoi(string(text))
	if err != nil {
		return runc.Kill()
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return os.ErrProcessDone
}

func home(user string) string {
	if user == "root" {
		return "/root"
	}
	return "/home/" + user
}

// environment is what a login would set.
func environment(user string) []string {
	return []string{
		"HOME=" + home(user), "USER=" + user, "LOGNAME=" + user, "SHELL=/bin/bash",
		"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8", "TERM=dumb",
	}
}
