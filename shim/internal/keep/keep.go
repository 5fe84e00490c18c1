// Package keep is the one process that Perch has beside a running job on a
// submit host: it holds the carrier, opens it again when it breaks, and ends
// with the job. If it is killed the job lives on, and the next shim starts
// another.
package keep

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"perch/shim/internal/carrierssh"
	"perch/shim/internal/engine"
	"perch/shim/internal/target"
	"perch/shim/internal/userlog"
)

// askInterval is how often the queue is asked, at most, whether the job is
// still there, when its log is silent and its carrier broken.
const askInterval = 30 * time.Second

// startLimit is how long the user log may take to say where the job runs.
const startLimit = 5 * time.Second

// Keeper keeps one job's carrier. Create it by New.
type Keeper struct {
	eng    engine.Engine
	target target.Target
	job    engine.Job
	log    *log.Logger
	way    engine.Way
	asked  time.Time
	// since is when there was no carrier for the first time, or again.
	since time.Time
	// started gives the job's scratch directory once it runs.
	started chan string
	// lockFile is keep.lock as it was when it was locked.
	lockFile os.FileInfo
	// dir is the folder in which the carrier's socket and note lie.
	dir string
}

// New makes the keeper of a job of a target.
func New(eng engine.Engine, t target.Target, j engine.Job, l *log.Logger) *Keeper {
	return &Keeper{eng: eng, target: t, job: j, log: l, started: make(chan string, 1)}
}

// Run holds the carrier until the job has ended or ctx ends. It returns nil at
// once if another keep of this host does so already.
func (k *Keeper) Run(ctx context.Context) error {
	lock, err := k.lock(ctx)
	if lock == nil || err != nil {
		return err
	}
	defer lock.Close()
	if err := k.makeDir(); err != nil {
		return err
	}
	defer os.RemoveAll(k.dir)
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	go k.watchLock(ctx, cancel)
	go k.watchLog(ctx, cancel)
	k.log.Printf("keeping the carrier of job %s", k.job.ID)
	k.say(Opening, "")
	k.awaitStart(ctx)
	k.since = time.Now()
	for ctx.Err() == nil {
		err := k.carry(ctx)
		k.hide()
		if ctx.Err() == nil && k.gone(ctx, err) {
			break
		}
	}
	k.say(Ended, "")
	k.log.Printf("job %s has ended or perch keep was asked to", k.job.ID)
	return nil
}

// lock takes keep.lock. Shims look at it for a moment, so one failed try says
// nothing. A nil lock means that another keep has it.
func (k *Keeper) lock(ctx context.Context) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(k.target.Runtime, target.KeepLock), flock.SetPermissions(0o600))
	limited, cancel := context.WithTimeout(ctx, time.Second)
	defer cancel()
	_, err := lock.TryLockContext(limited, 20*time.Millisecond)
	if err == nil {
		k.lockFile, err = lock.Stat()
	}
	if err == nil {
		err = os.Truncate(lock.Path(), 0)
	}
	switch {
	case err == nil && !k.lostLock():
		return lock, nil
	case err == nil, errors.Is(err, context.DeadlineExceeded):
		lock.Close() // another keep has it, perhaps since just now
		return nil, nil
	}
	lock.Close()
	return nil, fmt.Errorf("locking %s: %w", target.KeepLock, err)
}

// makeDir makes keep's own folder, and removes those of keeps that were killed.
func (k *Keeper) makeDir() (err error) {
	carrierssh.SweepAll(k.target.Runtime) // of an earlier version
	old, _ := filepath.Glob(filepath.Join(k.target.Runtime, target.KeepPrefix+"*"))
	for _, dir := range old {
		carrierssh.SweepAll(dir)
		_ = os.RemoveAll(dir)
	}
	if k.dir, err = os.MkdirTemp(k.target.Runtime, target.KeepPrefix); err != nil {
		return fmt.Errorf("making a directory for the carrier: %w; free some space or mend the permissions", err)
	}
	return nil
}

// awaitStart learns the scratch directory. Without a log that says it the job
// is still entered, by the way that needs no path.
func (k *Keeper) awaitStart(ctx context.Context) {
	select {
	case k.job.Scratch = <-k.started:
	case <-ctx.Done():
	case <-time.After(startLimit):
	}
}

// watchLog ends keep when the user log says that the job is over. A job that
// was held or put off its slot after it ran will not come back.
func (k *Keeper) watchLog(ctx context.Context, end func()) {
	defer end()
	var state userlog.State
	for some := range userlog.Follow(ctx, k.job.Log, k.job.ID) {
		for _, e := range some {
			state.Add(e)
		}
		if state.Starts > 0 {
			select {
			case k.started <- state.Scratch:
			default:
			}
		}
		if state.Ended() || state.Starts > 0 && (state.State == engine.Idle || state.State == engine.Held) {
			k.log.Printf("the user log says: %s", state.String())
			return
		}
	}
}

// watchLock ends keep when somebody asks for it in its lock file, or when that is
// not there any more: with it went the socket, by which shims would find the
// carrier.
func (k *Keeper) watchLock(ctx context.Context, end func()) {
	tick := time.NewTicker(2 * time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := k.statLock()
		switch {
		case now == nil && err == nil:
			k.log.Printf("the runtime folder was removed")
			end()
			return
		case now != nil && now.Size() > 0:
			k.log.Printf("perch stop asks for the end")
			end()
			return
		}
	}
}

// statLock returns nil where the lock file is not the one that was locked. The
// folder may then be another keep's already, in which nothing is to be touched.
func (k *Keeper) statLock() (os.FileInfo, error) {
	now, err := os.Stat(filepath.Join(k.target.Runtime, target.KeepLock))
	if errors.Is(err, fs.ErrNotExist) || err == nil && !os.SameFile(k.lockFile, now) {
		return nil, nil
	}
	return now, err
}

func (k *Keeper) lostLock() bool {
	now, err := k.statLock()
	return now == nil && err == nil
}

// gone asks the queue whether the job is over, when the log, which may be lost,
// has not said so although there is no carrier: at once when one broke, and
// after a while of a job that cannot be entered, since most have just started.
func (k *Keeper) gone(ctx context.Context, cause error) bool {
	last := k.asked
	if errors.Is(cause, engine.ErrNotYet) && last.Before(k.since) {
		last = k.since
	}
	if time.Since(last) < askInterval {
		return false
	}
	k.asked = time.Now()
	jobs, err := k.eng.Find(ctx, k.target.Hash)
	if err != nil {
		k.log.Printf("looking for job %s: %v", k.job.ID, err)
		return false
	}
	for _, j := range jobs {
		if j.ID == k.job.ID {
			return !j.Live()
		}
	}
	return true
}

func (k *Keeper) say(p Phase, text string) {
	if k.lostLock() {
		return
	}
	s := Status{Job: k.job.ID, Phase: p, Since: time.Now(), Text: text, Pid: os.Getpid()}
	if err := writeStatus(k.target, s); err != nil {
		k.log.Print(err)
	}
}
