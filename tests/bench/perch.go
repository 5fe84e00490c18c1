package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"syscall"
	"time"

	"perch/entrypoint/contract"
)

// startTime is how long perch-entrypoint may take until it listens.
const startTime = 20 * time.Second

// perch is perch-entrypoint in a job home of its own, as a batch system would
// start it.
type perch struct {
	way
	// Took is from its start until it could be connected to.
	took time.Duration
	cmd  *exec.Cmd
	home string
	// said is its output; it may be read once it has ended.
	said  bytes.Buffer
	ended bool
}

// newHome makes a job home with keys in it, beside what a client needs.
func (p place) newHome(ctx context.Context, dir string) (home string, err error) {
	if err := p.makeKeys(ctx, dir); err != nil {
		return "", fmt.Errorf("setting up perch-entrypoint: %w", err)
	}
	home = filepath.Join(dir, "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		return "", err
	}
	for from, to := range map[string]string{"host_key": contract.HostKeyFile, "key.pub": contract.AuthorizedKeysFile} {
		text, err := os.ReadFile(filepath.Join(dir, from))
		if err := errors.Join(err, os.WriteFile(filepath.Join(home, to), text, 0o600)); err != nil {
			return "", err
		}
	}
	return home, os.Symlink(filepath.Join(home, contract.Dir, contract.SocketName), filepath.Join(dir, "sock"))
}

// startPerch serves from the home in dir until stop is called.
func (p place) startPerch(dir string) (*perch, error) {
	d := &perch{way: stockWay(byEntrypoint, dir), home: filepath.Join(dir, "home")}
	d.cmd = exec.Command(p.program("perch-entrypoint"))
	// sshd's sessions have little more.
	d.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "LANG=C.UTF-8", contract.EnvScratch + "=" + d.home}
	d.cmd.Dir = d.home
	d.cmd.Stdout, d.cmd.Stderr = &d.said, &d.said
	d.cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	began := time.Now()
	if err := d.cmd.Start(); err != nil {
		return nil, err
	}
	if err := answers(filepath.Join(dir, "sock"), began.Add(startTime)); err != nil {
		log, _ := os.ReadFile(filepath.Join(d.home, contract.Dir, contract.LogName))
		return nil, fmt.Errorf("%w\n%s", errors.Join(err, d.stop()), log)
	}
	d.took = time.Since(began)
	return d, nil
}

// answers waits until sock can be connected to.
func answers(sock string, end time.Time) error {
	for {
		conn, err := net.Dial("unix", sock)
		if err == nil {
			return conn.Close()
		}
		if time.Now().After(end) {
			return err
		}
		time.Sleep(200 * time.Microsecond)
	}
}

// stop ends it as a batch system does.
func (d *perch) stop() error {
	if d.ended {
		return nil
	}
	d.ended = true
	return errors.Join(d.cmd.Process.Signal(syscall.SIGTERM), d.cmd.Wait())
}

// serving is its process without init, which only waits.
func (d *perch) serving() (pids []int) {
	for _, pid := range family("perch-entrypoint") {
		if parentIn(read(fmt.Sprintf("/proc/%d/stat", pid))) == d.cmd.Process.Pid {
			pids = append(pids, pid)
		}
	}
	return pids
}

// goroutine is the head of a stack; 0 is a thread's own, which is none.
var goroutine = regexp.MustCompile(`(?m)^goroutine [1-9]\d* `)

// goroutines ends the server by SIGQUIT, at which Go programs show all their stacks
// (package os/signal), and counts them.
func (d *perch) goroutines() (int, error) {
	for _, pid := range d.serving() {
		if err := syscall.Kill(pid, syscall.SIGQUIT); err != nil {
			return 0, err
		}
	}
	d.ended = true
	err := d.cmd.Wait()
	n := len(goroutine.FindAllString(d.said.String(), -1))
	if n == 0 {
		return 0, fmt.Errorf("perch-entrypoint shows no stacks: %w\n%s", err, &d.said)
	}
	return n, nil
}
