package userlog

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

// pollInterval is how often the log is looked at where the kernel does not
// tell of changes: on network file systems.
const pollInterval = time.Second

// Follow delivers the events of job (of all jobs where job is "") from the
// log's beginning on and then as they are written, until ctx ends; the channel
// is closed then. What is there already comes at once: of a job that was held
// and released, only the last state is to be acted on. The log need not exist
// yet, nor its directory. A log that was replaced or has become shorter is read
// from its beginning again, so events may come twice; State does not mind.
func Follow(ctx context.Context, path, job string) <-chan []Event {
	events := make(chan []Event)
	go func() {
		defer close(events)
		f := &follower{path: path, job: job, events: events}
		f.run(ctx)
	}()
	return events
}

// Past returns what the log says of job so far; the zero State where it cannot
// be read.
func Past(path, job string) State {
	var state State
	file, err := openRegular(path)
	if err != nil {
		return state
	}
	defer file.Close()
	for _, e := range (&follower{job: job}).read(file) {
		state.Add(e)
	}
	return state
}

type follower struct {
	path, job string
	events    chan<- []Event

	// What was read so far: of which file, and up to where.
	file   os.FileInfo
	offset int64
	split  splitter
}

func (f *follower) run(ctx context.Context) {
	tick := time.NewTicker(pollInterval)
	defer tick.Stop()
	watch := newWatch(f.path)
	defer watch.close()
	for {
		watch.ensure()
		if !f.drain(ctx) || !watch.wait(ctx, tick.C) {
			return
		}
	}
}

// drain delivers what the log has grown by. It returns false when ctx ended.
// The log is opened each time: that makes NFS ask the server.
func (f *follower) drain(ctx context.Context) bool {
	file, err := openRegular(f.path)
	if err != nil {
		return ctx.Err() == nil
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		return ctx.Err() == nil
	}
	if f.file == nil || !os.SameFile(f.file, info) || info.Size() < f.offset {
		f.offset, f.split = 0, splitter{}
	}
	f.file = info
	if _, err := file.Seek(f.offset, io.SeekStart); err != nil {
		return ctx.Err() == nil
	}
	events := f.read(file)
	if len(events) == 0 {
		return ctx.Err() == nil
	}
	select {
	case f.events <- events:
		return true
	case <-ctx.Done():
		return false
	}
}

func (f *follower) read(r io.Reader) (events []Event) {
	chunk := make([]byte, 32<<10)
	for {
		n, err := r.Read(chunk)
		f.offset += int64(n)
		f.split.feed(chunk[:n], func(record string) bool {
			if e, ok := parse(record); ok && (f.job == "" || e.Job == f.job) {
				events = append(events, e)
			}
			return true
		})
		if err != nil || n == 0 {
			return events
		}
	}
}

// openRegular opens a file that is no pipe or device, on which reading could
// block for ever.
func openRegular(path string) (*os.File, error) {
	file, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if info, err := file.Stat(); err != nil || !info.Mode().IsRegular() {
		file.Close()
		return nil, errors.New("not a regular file")
	}
	return file, nil
}

// watch tells of changes to one name in a directory. Where the kernel cannot,
// it tells nothing, and the ticks do alone.
type watch struct {
	dir, base string
	watcher   *fsnotify.Watcher
	added     bool
}

func newWatch(path string) *watch {
	w := &watch{dir: filepath.Dir(path), base: filepath.Base(path)}
	w.watcher, _ = fsnotify.NewWatcher()
	return w
}

// ensure begins to watch, once the directory exists.
func (w *watch) ensure() {
	if w.watcher != nil && !w.added {
		w.added = w.watcher.Add(w.dir) == nil
	}
}

// wait blocks until the file may have changed, and returns false when ctx ended.
func (w *watch) wait(ctx context.Context, tick <-chan time.Time) bool {
	var (
		changes <-chan fsnotify.Event
		errs    <-chan error
	)
	if w.watcher != nil {
		changes, errs = w.watcher.Events, w.watcher.Errors
	}
	for {
		select {
		case <-ctx.Done():
			return false
		case <-tick:
			return true
		case <-errs:
			return true
		case change := <-changes:
			if filepath.Base(change.Name) == w.base {
				return true
			}
		}
	}
}

func (w *watch) close() {
	if w.watcher != nil {
		w.watcher.Close()
	}
}
