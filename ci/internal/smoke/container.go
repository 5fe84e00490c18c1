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
	"time"

	"perch/ci/internal/entrylayer"
	"perch/entrypoint/contract"
)

// How long an entrypoint may take to answer, and a job to end.
const (
	readyTime = time.Minute
	stopTime  = time.Minute
	// pollTime is the time between two looks at something that comes soon.
	pollTime = 50 * time.Millisecond
)

// program is the entrypoint in an image.
const program = entrylayer.Program

// container is a job whose container this program runs by itself, with a scratch
// directory as a batch system makes it.
type container struct {
	*job
	image string
	sock  string
	cmd   *exec.Cmd
	// ended is closed once the container has.
	ended chan struct{}
}

// newContainer prepares everything but the container.
func newContainer(j *job, image, self string) (*container, error) {
	c := &container{job: j, image: image, ended: make(chan struct{})}
	j.scratch = filepath.Join(j.dir, "scratch")
	c.sock = filepath.Join(j.scratch, contract.Dir, contract.SocketName)
	j.client.options = connected(self, j.dir, c.sock)
	j.ready, j.stop, j.output = c.awaitReady, c.askToStop, c.outputTail
	var err error
	if j.uid, j.gid, err = jobUser(image); err != nil {
		return nil, err
	}
	// The job's user has to get through to the scratch directory.
	if err := os.Chmod(j.dir, 0o711); err != nil {
		return nil, err
	}
	return c, c.makeScratch()
}

// jobUser returns whom the job runs as: this user, or, for root, a uid that the
// unpacked image knows nothing of.
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
func (c *container) makeScratch() error {
	if err := os.Mkdir(c.scratch, 0o700); err != nil {
		return err
	}
	keys, err := makeKeys(c.dir)
	if err != nil {
		return err
	}
	files := map[string][]byte{
		contract.HostKeyFile:        keys.host,
		contract.AuthorizedKeysFile: keys.authorized,
		".job.ad":                   fmt.Appendf(nil, "%s = 600\n", contract.AttrIdleTimeout),
	}
	for name, content := range files {
		path := filepath.Join(c.scratch, name)
		if err := errors.Join(os.WriteFile(path, content, 0o600), os.Chown(path, c.uid, c.gid)); err != nil {
			return err
		}
	}
	return os.Chown(c.scratch, c.uid, c.gid)
}

// environment is what HTCondor sets for a job; USER and SHELL are not among it.
func (c *container) environment() []string {
	return []string{
		"LANG=C", "TMPDIR=/tmp", "TMP=/tmp", "TEMP=/tmp", "BATCH_SYSTEM=HTCondor",
		contract.EnvScratch + "=" + c.scratch,
		contract.EnvJobAd + "=" + filepath.Join(c.scratch, ".job.ad"),
	}
}

// run starts the container, which kill ends.
func (c *container) run(cmd *exec.Cmd, kill func()) error {
	output, err := os.Create(c.outputFile())
	if err != nil {
		return err
	}
	defer output.Close()
	c.cmd, cmd.Stdout, cmd.Stderr = cmd, output, output
	if err := cmd.Start(); err != nil {
		return err
	}
	go func() {
		_ = cmd.Wait()
		close(c.ended)
	}()
	c.kill = func() { kill(); <-c.ended }
	return nil
}

// awaitReady waits until the entrypoint answers.
func (c *container) awaitReady(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readyTime)
	defer cancel()
	for {
		banner, err := readBanner(c.sock)
		if err == nil {
			return banner, nil
		}
		select {
		case <-c.ended:
			return "", fmt.Errorf("it ended with exit status %d: %s", c.cmd.ProcessState.ExitCode(), c.lastLine())
		case <-ctx.Done():
			return "", fmt.Errorf("it does not answer: %w", err)
		case <-time.After(pollTime):
		}
	}
}

// askToStop asks the entrypoint to end.
func (c *container) askToStop(ctx context.Context) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, stopTime)
	defer cancel()
	out, _, err := c.client.ssh(ctx, contract.CommandStop+"\n", "-s", contract.ControlUser+"@"+host, contract.Subsystem)
	if err != nil {
		return "", err
	}
	if reply := strings.TrimSpace(out); reply != contract.ReplyOK {
		return "", fmt.Errorf("the answer is %q, want %q", reply, contract.ReplyOK)
	}
	select {
	case <-c.ended:
	case <-ctx.Done():
		return "", fmt.Errorf("the job goes on: %w", context.Cause(ctx))
	}
	if status := c.cmd.ProcessState.ExitCode(); status != contract.ExitOK {
		return "", fmt.Errorf("exit status %d: %s", status, c.lastLine())
	}
	return "exit status 0", nil
}

func (c *container) outputFile() string { return filepath.Join(c.dir, "output") }

// outputTail returns the last lines that the job wrote.
func (c *container) outputTail() string {
	const lines = 20
	content, err := readEnd(c.outputFile(), most)
	if err != nil {
		return err.Error()
	}
	all := strings.Split(strings.TrimSpace(string(content)), "\n")
	return strings.Join(all[max(0, len(all)-lines):], "\n")
}

// lastLine is the last line that the job wrote.
func (c *container) lastLine() string {
	tail := c.outputTail()
	return tail[strings.LastIndexByte(tail, '\n')+1:]
}
