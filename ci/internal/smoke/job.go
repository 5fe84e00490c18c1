package smoke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"perch/entrypoint/contract"
	"perch/shim/bundle"
)

// program is where every image of ours has its entrypoint.
const program = "/usr/local/bin/perch-entrypoint"

// tmpSize is the size of /tmp in bytes: some workers have little.
const tmpSize = 8 << 20

// job is an image's entrypoint that runs as a batch system would run it.
type job struct {
	// dir holds everything of this job, scratch is its scratch directory.
	dir, scratch string
	// tree is the unpacked image.
	tree     string
	uid, gid int
	client   client
	bundle   *bundle.Bundle
	cmd      *exec.Cmd
	// ended is closed once the container has.
	ended chan struct{}
}

// start starts the entrypoint of an unpacked image. self is the program that
// ssh may call to be connected.
func start(ctx context.Context, tree, self string) (j *job, err error) {
	dir, err := os.MkdirTemp("", "perch-smoke-")
	if err != nil {
		return nil, err
	}
	j = &job{dir: dir, scratch: filepath.Join(dir, "scratch"), tree: tree, ended: make(chan struct{})}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if j.uid, j.gid, err = jobUser(tree); err != nil {
		return nil, err
	}
	// The job's user has to get through to the scratch directory.
	if err = os.Chmod(dir, 0o711); err != nil {
		return nil, err
	}
	if err = j.makeScratch(); err != nil {
		return nil, err
	}
	j.client.self, j.client.dir, j.client.sock = self, dir, filepath.Join(j.scratch, contract.Dir, contract.SocketName)
	if j.bundle, err = bundle.Make(filepath.Join(dir, "bundle"), j.wish()); err != nil {
		return nil, err
	}
	return j, j.run(ctx)
}

// jobUser returns whom the job runs as: this user, or, for root, a uid that the
// image knows nothing of.
func jobUser(tree string) (uid, gid int, err error) {
	if os.Geteuid() != 0 {
		return os.Geteuid(), os.Getegid(), nil
	}
	passwd, err := os.ReadFile(filepath.Join(tree, "etc/passwd"))
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return 0, 0, err
	}
	for uid = 61234; bytes.Contains(passwd, fmt.Appendf(nil, ":%d:", uid)); uid++ {
	}
	return uid, uid, nil
}

// makeScratch makes the scratch directory with what the shim sends, and the job
// ad that HTCondor writes.
func (j *job) makeScratch() error {
	if err := os.Mkdir(j.scratch, 0o700); err != nil {
		return err
	}
	keys, err := makeKeys(j.dir)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		contract.HostKeyFile:        keys.host,
		contract.AuthorizedKeysFile: keys.authorized,
		".job.ad":                   fmt.Appendf(nil, "%s = 600\n", contract.AttrIdleTimeout),
	}
	for name, content := range files {
		path := filepath.Join(j.scratch, name)
		if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chown(path, j.uid, j.gid)); err != nil {
			return err
		}
	}
	return os.Chown(j.scratch, j.uid, j.gid)
}

// wish is the job as a batch system starts it: HTCondor sets these variables,
// and neither USER nor SHELL.
func (j *job) wish() bundle.Job {
	return bundle.Job{
		Image: j.tree, Scratch: j.scratch, UID: j.uid, GID: j.gid,
		Args: []string{program},
		Env: []string{
			"PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"LANG=C", "TMPDIR=/tmp", "TMP=/tmp", "TEMP=/tmp", "BATCH_SYSTEM=HTCondor",
			contract.EnvScratch + "=" + j.scratch,
			contract.EnvJobAd + "=" + filepath.Join(j.scratch, ".job.ad"),
		},
		Hostname: "smoke",
		Loopback: true,
		TmpSize:  tmpSize,
	}
}

// run starts the container.
func (j *job) run(ctx context.Context) error {
	output, err := os.Create(filepath.Join(j.dir, "output"))
	if err != nil {
		return err
	}
	defer output.Close()
	if j.cmd, err = j.bundle.Command(ctx); err != nil {
		return err
	}
	j.cmd.Stdout, j.cmd.Stderr = output, output
	if err := j.cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = j.cmd.Wait()
		close(j.ended)
	}()
	return nil
}

// exitStatus waits for the container's end and returns its exit status.
func (j *job) exitStatus(ctx context.Context) (int, error) {
	select {
	case <-j.ended:
		return j.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, fmt.Errorf("the job goes on: %w", context.Cause(ctx))
	}
}

// outputTail returns the last lines that the job wrote.
func (j *job) outputTail() string {
	const lines = 20
	content, err := os.ReadFile(filepath.Join(j.dir, "output"))
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// lastLine is the last line that the job wrote.
func (j *job) lastLine() string {
	tail := j.outputTail()
	return tail[strings.LastIndexByte(tail, '\n')+1:]
}

// close ends the job, if it still runs, and removes what there is of it.
func (j *job) close() {
	_ = j.bundle.Kill(context.Background())
	<-j.ended
	_ = os.RemoveAll(j.dir)
}
