package local

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"perch/shim/bundle"
	"perch/shim/internal/engine"
	"perch/shim/internal/userlog"
)

// leaveGrace is how long what a killed starter left behind has to end by
// itself: the kernel has sent it SIGTERM.
const leaveGrace = 2 * time.Second

// abandoned says whether the job needs a starter and has none.
func (e *entry) abandoned() bool {
	return !e.status.Gone && e.status.State != engine.Held && !e.status.Starter.alive()
}

// recover puts down the end of a job whose starter was killed, unless somebody
// else has by now, and returns the job as it is then.
func (q queue) recover(ctx context.Context, old *entry) (*entry, error) {
	unlock, err := q.lock(ctx)
	if err != nil {
		return old, err
	}
	defer unlock()
	job, err := load(old.dir)
	if errors.Is(err, fs.ErrNotExist) {
		return &entry{status: status{Gone: true}}, nil
	}
	if err != nil {
		return old, err
	}
	if !job.abandoned() {
		return job, nil
	}
	reason := job.status.Removal
	if reason == "" {
		reason = "the job's starter was killed"
		if last := job.lastWords(); last != "" {
			reason = "the job's starter failed: " + last
		}
	}
	return job, job.clearAway(ctx, q, reason)
}

// clearAway ends what is left of a job without a starter and takes it out of
// the queue. The caller has the lock.
func (e *entry) clearAway(ctx context.Context, q queue, reason string) error {
	scratch := q.scratch(e.Cluster)
	left := killAll(func() []int { return marked("_CONDOR_SCRATCH_DIR=" + scratch) }, leaveGrace)
	if _, err := os.Stat(e.bundleDir()); err == nil {
		left = join(left, bundle.Open(e.bundleDir()).Remove(ctx))
	}
	if left != nil {
		return fmt.Errorf("clearing away job %s: %w", e.id(), left)
	}
	return join(e.leave(scratch, reason), e.save())
}

// leave removes the scratch directory and takes the job out of the queue as
// removed; the caller saves that. The log is written first: if this is killed in
// between, the end stands there twice, which is better than not at all.
func (e *entry) leave(scratch, reason string) error {
	err := removeTree(scratch)
	if e.status.Scratch != "" {
		evicted := userlog.Event{Number: userlog.Evicted, Reason: reason}
		if e.status.Removal != "" {
			evicted.Code = 1023 // as after condor_rm
		}
		err = join(err, e.note(evicted))
	}
	err = join(err, e.note(userlog.Event{Number: userlog.Aborted, Reason: reason}))
	e.status.enter(engine.Removed, reason)
	e.status.Gone, e.status.Scratch = true, ""
	return err
}

func (e *entry) bundleDir() string { return e.path("bundle") }

// lastWords returns the last line of the starter's log.
func (e *entry) lastWords() string {
	const most = 4 << 10
	f, err := os.Open(e.path("starter.log"))
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > most {
		_, _ = f.Seek(-most, 2)
	}
	text := make([]byte, most)
	n, _ := f.Read(text)
	lines := bytes.Split(bytes.TrimSpace(text[:n]), []byte("\n"))
	return string(lines[len(lines)-1])
}

// removeTree removes a directory with directories in it that may not be
// written, such as those of Go's module cache.
func removeTree(dir string) error {
	if os.RemoveAll(dir) == nil {
		return nil
	}
	_ = filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if d != nil && d.IsDir() {
			_ = os.Chmod(path, 0o700)
		}
		return nil
	})
	if err := os.RemoveAll(dir); err != nil {
		return fmt.Errorf("removing the scratch directory: %w", err)
	}
	return nil
}
