package smoke

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"perch/ci/internal/tool"
	"perch/shim/bundle"
)

// place is a way in which batch systems run images.
type place interface {
	// check says what is missing for it.
	check(ctx context.Context) error
	// start starts a job with an image and fills in j, of which only dir is
	// made so far. self is this program.
	start(ctx context.Context, j *job, image, self string) error
}

// Places are the places that there are, by name.
var Places = map[string]place{"runc": runc{}, "apptainer": apptainer{}, "htcondor": htcondor{}}

// tmpSize is the size of /tmp in bytes: some workers have little.
const tmpSize = 8 << 20

// runc runs an unpacked image in a bundle that allows as little as batch systems
// do.
type runc struct{}

func (runc) check(ctx context.Context) error { return bundle.Works(ctx) }

func (runc) start(ctx context.Context, j *job, image, self string) error {
	j.tree = image
	c, err := newContainer(j, image, self)
	if err != nil {
		return err
	}
	b, err := bundle.Make(filepath.Join(c.dir, "bundle"), bundle.Job{
		Image: image, Scratch: c.scratch, UID: c.uid, GID: c.gid,
		Args:     []string{program},
		Env:      append([]string{"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"}, c.environment()...),
		Hostname: "smoke",
		Loopback: true,
		TmpSize:  tmpSize,
	})
	if err != nil {
		return err
	}
	cmd, err := b.Command(ctx)
	if err != nil {
		return err
	}
	return c.run(cmd, func() { _ = b.Kill(context.Background()) })
}

// apptainer runs what Apptainer has made, an unpacked image or a SIF, much as
// HTCondor's starter does.
type apptainer struct{}

func (apptainer) check(context.Context) error {
	if os.Geteuid() == 0 {
		return errors.New("root would be root in Apptainer's container, as no job is; run this as an ordinary user")
	}
	return tool.Need("apptainer")
}

func (apptainer) start(ctx context.Context, j *job, image, self string) error {
	c, err := newContainer(j, image, self)
	if err != nil {
		return err
	}
	args := []string{"exec", "--contain", "--cleanenv", "--no-home", "--ipc", "--pid", "--pwd", c.scratch, "--bind", c.scratch}
	for _, dir := range []string{"/tmp", "/var/tmp"} {
		path := filepath.Join(c.dir, "root", dir)
		if err := os.MkdirAll(path, 0o700); err != nil {
			return err
		}
		args = append(args, "--bind", path+":"+dir)
	}
	for _, variable := range c.environment() {
		args = append(args, "--env", variable)
	}
	cmd := exec.CommandContext(ctx, "apptainer", append(args, image, program)...)
	// Apptainer takes its container along if it is asked to end.
	end := func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.Cancel, cmd.WaitDelay = end, 10*time.Second
	return c.run(cmd, func() { _ = end() })
}
