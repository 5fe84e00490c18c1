package local

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/gofrs/flock"
	"github.com/google/renameio/v2"

	"perch/shim/internal/engine"
)

// keptEnded is how many jobs' folders stay after their end, for perch logs.
const keptEnded = 20

// lockPace is how often a held lock is tried again. It is never held for long,
// but while the leftovers of a killed starter are ended.
const lockPace = 20 * time.Millisecond

// queue is the folder of all jobs.
type queue struct{ dir string }

// entry is one job in the queue.
type entry struct {
	description
	status status
	dir    string
}

// status is what has become of a job: the file status.json. It is changed under
// the queue's lock only.
type status struct {
	State  engine.State `json:"state"`
	Since  time.Time    `json:"since"`
	Reason string       `json:"reason,omitempty"`
	// Starter looks after the job; none does while it is held.
	Starter process `json:"starter"`
	// Scratch is set from the moment on at which the job has its cores.
	Scratch string `json:"scratch,omitempty"`
	// Removal is why the job shall leave the queue, once somebody wants that.
	Removal string `json:"removal,omitempty"`
	// Gone says that it has left the queue.
	Gone bool `json:"gone,omitempty"`
}

// openQueue finds the user's queue, and makes its folders. The environment
// counts as it is now.
func openQueue() (queue, error) {
	state := os.Getenv("XDG_STATE_HOME")
	if !filepath.IsAbs(state) {
		state = xdg.StateHome
	}
	q := queue{filepath.Join(state, "perch", "local")}
	if err := os.MkdirAll(filepath.Join(q.dir, "jobs"), 0o700); err != nil {
		return queue{}, fmt.Errorf("making the folder of local jobs: %w; free some space, or set XDG_STATE_HOME to a directory of yours", err)
	}
	return q, nil
}

func (q queue) folder(cluster int) string {
	return filepath.Join(q.dir, "jobs", strconv.Itoa(cluster))
}

func (q queue) scratch(cluster int) string {
	return filepath.Join(filepath.Dir(q.dir), "execute", "dir_"+strconv.Itoa(cluster))
}

// lock takes the queue's lock. Whoever has it calls the returned function.
func (q queue) lock(ctx context.Context) (unlock func(), err error) {
	lock := flock.New(filepath.Join(q.dir, "lock"), flock.SetPermissions(0o600))
	if _, err := lock.TryLockContext(ctx, lockPace); err != nil {
		return nil, fmt.Errorf("locking the queue of local jobs (%s): %w", lock.Path(), err)
	}
	return func() { _ = lock.Close() }, nil
}

// allocate returns a job number that was never given before.
func (q queue) allocate(ctx context.Context) (int, error) {
	unlock, err := q.lock(ctx)
	if err != nil {
		return 0, err
	}
	defer unlock()
	path := filepath.Join(q.dir, "next")
	text, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("reading the next job's number: %w", err)
	}
	cluster, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || cluster < 1 {
		cluster = 1
	}
	for _, used := range q.clusters() {
		cluster = max(cluster, used+1)
	}
	if err := renameio.WriteFile(path, []byte(strconv.Itoa(cluster+1)), 0o600); err != nil {
		return 0, fmt.Errorf("noting the next job's number: %w; free some space", err)
	}
	return cluster, nil
}

// clusters returns the numbers of all jobs that have a folder, in order.
func (q queue) clusters() []int {
	entries, _ := os.ReadDir(filepath.Join(q.dir, "jobs"))
	var clusters []int
	for _, e := range entries {
		if n, err := strconv.Atoi(e.Name()); err == nil && n > 0 {
			clusters = append(clusters, n)
		}
	}
	slices.Sort(clusters)
	return clusters
}

// add makes the job's folder. Until it has a status, nobody sees the job.
func (q queue) add(d *description) (*entry, error) {
	e := &entry{description: *d, dir: q.folder(d.Cluster)}
	text, err := json.MarshalIndent(d, "", "\t")
	if err != nil {
		return nil, fmt.Errorf("writing down the job: %w", err)
	}
	if err := os.Mkdir(e.dir, 0o700); err != nil {
		return nil, fmt.Errorf("making the job's folder: %w", err)
	}
	if err := renameio.WriteFile(e.path("job.json"), text, 0o600); err != nil {
		return nil, fmt.Errorf("writing down the job: %w; free some space", err)
	}
	return e, nil
}

// load reads a job.
func load(dir string) (*entry, error) {
	e := &entry{dir: dir}
	if err := readJSON(e.path("job.json"), &e.description); err != nil {
		return nil, err
	}
	if err := readJSON(e.path("status.json"), &e.status); err != nil {
		return nil, err
	}
	return e, nil
}

func readJSON(path string, into any) error {
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, into)
	}
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	return nil
}

// save writes the status down.
func (e *entry) save() error {
	text, err := json.MarshalIndent(e.status, "", "\t")
	if err == nil {
		err = renameio.WriteFile(e.path("status.json"), text, 0o600)
	}
	if err != nil {
		return fmt.Errorf("writing the job's status: %w; free some space", err)
	}
	return nil
}

// enter changes the state, and says why.
func (s *status) enter(state engine.State, reason string) {
	s.State, s.Since, s.Reason = state, time.Now(), reason
}

// entries returns the jobs of this machine that have not left the queue, oldest
// first. A folder without a status is a job in the making.
func (q queue) entries() ([]*entry, error) {
	host, err := os.Hostname()
	if err != nil {
		return nil, fmt.Errorf("finding this machine's name: %w", err)
	}
	var all []*entry
	for _, cluster := range q.clusters() {
		e, err := load(q.folder(cluster))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return nil, err
		}
		if e.Host == host && !e.status.Gone {
			all = append(all, e)
		}
	}
	return all, nil
}

// prune removes the folders of jobs that ended, but for the newest, and those
// of submissions that were broken off. The caller has the lock.
func (q queue) prune() {
	ended := 0
	for _, cluster := range slices.Backward(q.clusters()) {
		e, err := load(q.folder(cluster))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			os.RemoveAll(q.folder(cluster))
		case err == nil && e.status.Gone:
			if ended++; ended > keptEnded {
				os.RemoveAll(e.dir)
			}
		}
	}
}
