package bundle

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sync"
)

// probe remembers the answer of Works.
var probe struct {
	sync.Mutex
	done bool
	err  error
}

// Works says whether this user can run containers here; the error is the
// reason why not, in one line. It tries it, with a container that runs the
// machine's own shell, which takes some tenths of a second; the answer is
// remembered while this process lives. A ctx that ends meanwhile is an error
// too, and not remembered.
func Works(ctx context.Context) error {
	probe.Lock()
	defer probe.Unlock()
	if probe.done {
		return probe.err
	}
	err := tryContainer(ctx)
	if ctx.Err() != nil {
		return ctx.Err()
	}
	probe.done, probe.err = true, err
	return err
}

// tryContainer runs a shell that does nothing, in an image that is empty but for
// the machine's programs and libraries.
func tryContainer(ctx context.Context) (err error) {
	dir, err := os.MkdirTemp("", "perch-probe-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	job, err := probeJob(dir)
	if err != nil {
		return err
	}
	b, err := Make(filepath.Join(dir, "bundle"), job)
	if err != nil {
		return err
	}
	cmd, err := b.Command(ctx)
	if err != nil {
		return err
	}
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	if err := cmd.Run(); err != nil {
		return errors.Join(fmt.Errorf("runc cannot run a container here: %s", lastLine(out.String())), b.Kill(ctx))
	}
	return nil
}

// probeJob makes the image and the scratch directory in dir.
func probeJob(dir string) (Job, error) {
	image, scratch := filepath.Join(dir, "image"), filepath.Join(dir, "scratch")
	for _, d := range []string{image, scratch} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return Job{}, err
		}
	}
	return Job{
		Image: image, Scratch: scratch, UID: os.Geteuid(), GID: os.Getegid(),
		Args:  []string{"/bin/sh", "-c", ":"},
		Binds: []string{"/bin", "/lib", "/lib64", "/usr", "/nix"},
	}, nil
}
