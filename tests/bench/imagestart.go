package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/bundle"
)

// The ways of the tables of starts.
const (
	startsPerch  = "perch-entrypoint answers"
	startsStatic = "a static program writes"
	startsBase   = "a static program writes, bare base"
)

// starts measures how long runc takes to start perch-entrypoint in an image, and
// a static program there and in the image's bare base.
func (s *studio) starts(ctx context.Context, name, tree, base string) (Table, error) {
	s.say("starting containers of %s", name)
	static, err := os.ReadFile(filepath.Join(s.images(), "minimal", "bin", "busybox"))
	if err != nil {
		return Table{}, err
	}
	n := 0
	in := func(way, image string, run func(container, context.Context) (time.Duration, error)) measure {
		return measure{way, func(ctx context.Context) (one sample, err error) {
			n++
			dir := filepath.Join(s.dir, fmt.Sprint(name, n))
			defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
			c, err := s.container(ctx, dir, image, static)
			if err != nil {
				return one, err
			}
			took, err := run(c, ctx)
			return sample{took: took.Seconds()}, err
		}}
	}
	return inTurns(ctx, name, bounds{s.Starts, time.Minute, time.Minute}, []measure{
		in(startsPerch, tree, container.untilAnswer), in(startsStatic, tree, container.untilOutput), in(startsBase, base, container.untilOutput)})
}

// container is one that has not run yet.
type container struct {
	dir string
	job bundle.Job
}

// container prepares one of an unpacked image, as perch-ci smoke does.
func (s *studio) container(ctx context.Context, dir, image string, static []byte) (c container, err error) {
	scratch, err := s.newHome(ctx, dir)
	if err != nil {
		return c, err
	}
	if err := errors.Join(os.Chmod(dir, 0o711), os.WriteFile(filepath.Join(scratch, "echo"), static, 0o755)); err != nil {
		return c, err
	}
	err = filepath.WalkDir(scratch, func(path string, _ os.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, nobody, nobody))
	})
	return container{dir, bundle.Job{
		Image: image, Scratch: scratch, UID: nobody, GID: nobody,
		Env:      []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C", contract.EnvScratch + "=" + scratch},
		Hostname: "bench", Loopback: true, TmpSize: 8 << 20,
	}}, err
}

// untilAnswer starts perch-entrypoint and waits until it can be connected to.
func (c container) untilAnswer(ctx context.Context) (time.Duration, error) {
	c.job.Args = []string{"/usr/local/bin/perch-entrypoint"}
	return c.run(ctx, func(began time.Time, _ io.Reader) error {
		return answers(filepath.Join(c.dir, "sock"), began.Add(startTime))
	})
}

// untilOutput starts a static program and waits for the first that it writes.
func (c container) untilOutput(ctx context.Context) (time.Duration, error) {
	c.job.Args = []string{filepath.Join(c.job.Scratch, "echo"), "here"}
	return c.run(ctx, func(_ time.Time, out io.Reader) error {
		_, err := io.ReadFull(out, make([]byte, 1))
		return err
	})
}

// run runs the container until await returns, and ends it.
func (c container) run(ctx context.Context, await func(began time.Time, out io.Reader) error) (took time.Duration, err error) {
	b, err := bundle.Make(filepath.Join(c.dir, "bundle"), c.job)
	if err != nil {
		return 0, err
	}
	cmd, err := b.Command(ctx)
	if err != nil {
		return 0, err
	}
	log, err := os.Create(filepath.Join(c.dir, "log"))
	if err != nil {
		return 0, err
	}
	defer log.Close()
	cmd.Stderr = log
	out, err := cmd.StdoutPipe()
	if err != nil {
		return 0, err
	}
	began := time.Now()
	if err := cmd.Start(); err != nil {
		return 0, err
	}
	err = await(began, out)
	took = time.Since(began)
	if err != nil {
		said, _ := os.ReadFile(log.Name())
		err = fmt.Errorf("%w\n%s", err, said)
	}
	err = errors.Join(err, b.Kill(context.WithoutCancel(ctx)))
	_ = cmd.Wait() // it was killed
	return took, errors.Join(err, b.Remove(context.WithoutCancel(ctx)))
}
