package bundle

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
)

// Bundle is a directory that runc can run. At most one container runs from it
// at a time.
type Bundle struct {
	dir string
}

// Make writes a bundle for j into dir, which it makes, and which must be
// absolute and empty. The bundle works as long as j.Image and j.Scratch stay;
// where j.Image is a link, what it leads to now is meant.
func Make(dir string, j Job) (*Bundle, error) {
	b := Open(dir)
	err := j.check()
	if err == nil {
		j.Image, err = filepath.EvalSymlinks(j.Image)
	}
	if err == nil {
		err = b.write(j)
	}
	if err != nil {
		return nil, fmt.Errorf("making a container: %w", err)
	}
	return b, nil
}

// Open returns the bundle that Make wrote into dir, perhaps in another process.
func Open(dir string) *Bundle { return &Bundle{dir: dir} }

// write fills the bundle's directory.
func (b *Bundle) write(j Job) error {
	if err := os.MkdirAll(b.dir, 0o700); err != nil {
		return err
	}
	mounts, err := j.mounts()
	if err != nil {
		return err
	}
	image, err := skeleton(b.path("rootfs"), j.Image, targets(mounts))
	if err != nil {
		return err
	}
	spec, err := json.MarshalIndent(j.spec(append(image, mounts...)), "", "\t")
	if err != nil {
		return err
	}
	return os.WriteFile(b.path("config.json"), spec, 0o600)
}

// Command returns the command that runs the bundle and lasts as long as the
// program in it; the caller gives it its standard files, which reach the
// program as they are, and starts it. Its exit status is the program's (128+n
// where signal n ended it); signals sent to it are passed on to the program.
// When ctx is done, everything in the container is killed.
func (b *Bundle) Command(ctx context.Context) (*exec.Cmd, error) {
	runc, err := runcPath()
	if err != nil {
		return nil, err
	}
	run := append([]string{"-c", clearUmask, runc}, b.args("run", "--bundle", b.dir, b.id())...)
	cmd := exec.CommandContext(ctx, "/bin/sh", run...)
	cmd.Cancel = func() error { return b.Kill(context.WithoutCancel(ctx)) }
	return cmd, nil
}

// clearUmask starts runc so that the directories it makes on the way to a mount
// point can be passed by the job's user.
const clearUmask = `umask 022; exec "$0" "$@"`

// Signal sends a signal to the program. It is an error if none runs.
func (b *Bundle) Signal(ctx context.Context, sig syscall.Signal) error {
	_, err := b.runc(ctx, "kill", b.id(), fmt.Sprint(int(sig)))
	return err
}

// Kill ends the program and everything else in the container at once, and
// returns when they are gone. That nothing runs is no error.
func (b *Bundle) Kill(ctx context.Context) error {
	_, err := b.runc(ctx, "delete", "--force", b.id())
	return err
}

// Pid returns the process, as the machine counts, whose end is the end of the
// container, or 0 where none runs.
func (b *Bundle) Pid(ctx context.Context) (int, error) {
	if _, err := os.Stat(filepath.Join(b.path("runc"), b.id())); errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	out, err := b.runc(ctx, "state", b.id())
	if err != nil {
		return 0, err
	}
	var state struct {
		Pid    int
		Status string
	}
	if err := json.Unmarshal(out, &state); err != nil {
		return 0, fmt.Errorf("reading runc's state: %w", err)
	}
	if state.Status == "stopped" {
		return 0, nil
	}
	return state.Pid, nil
}

// Remove kills what runs and removes the bundle's directory; image and scratch
// directory stay.
func (b *Bundle) Remove(ctx context.Context) error {
	return errors.Join(b.Kill(ctx), os.RemoveAll(b.dir))
}

// runc runs one of runc's short commands and returns what it printed. Its
// error text, one line, becomes the error.
func (b *Bundle) runc(ctx context.Context, command ...string) ([]byte, error) {
	runc, err := runcPath()
	if err != nil {
		return nil, err
	}
	cmd := exec.CommandContext(ctx, runc, b.args(command...)...)
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("runc %s: %w: %s", command[0], err, lastLine(stderr.String()))
	}
	return out, nil
}

// args puts before a command what concerns runc itself. Its state lies in the
// bundle: the usual places need root or a login session. rootless means here
// only that missing rights in the cgroup tree are no error.
func (b *Bundle) args(command ...string) []string {
	return append([]string{"--root", b.path("runc"), "--log", b.path("runc.log"), "--rootless", "true"}, command...)
}

// id names the container. runc makes cgroups of that name where it may, so it
// must not occur twice on the machine.
func (b *Bundle) id() string {
	return fmt.Sprintf("perch-%x", sha256.Sum256([]byte(b.dir)))[:22]
}

func (b *Bundle) path(name string) string { return filepath.Join(b.dir, name) }

// lastLine returns the last line of text that is not empty.
func lastLine(text string) string {
	text = strings.TrimSpace(text)
	return text[strings.LastIndexByte(text, '\n')+1:]
}

// runcPath finds runc. Distributions put it where only root's PATH looks.
func runcPath() (string, error) {
	for _, name := range []string{"runc", "/usr/sbin/runc", "/usr/local/sbin/runc", "/sbin/runc"} {
		if path, err := exec.LookPath(name); err == nil {
			return path, nil
		}
	}
	return "", errors.New("runc is not installed (Debian, Fedora: package runc)")
}
