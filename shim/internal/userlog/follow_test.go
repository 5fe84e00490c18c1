package userlog

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"
)

func record(kind, job, text string) string {
	return kind + " (" + job + ".000) 2026-11-24 11:37:34 " + text + "\n...\n"
}

// next takes what comes at once, and fails the test if nothing comes.
func next(t *testing.T, events <-chan []Event) []Event {
	t.Helper()
	select {
	case some, ok := <-events:
		if !ok {
			t.Fatal("the channel was closed")
		}
		return some
	case <-time.After(20 * time.Second):
		t.Fatal("no event came")
	}
	panic("not reached")
}

func wantNext(t *testing.T, events <-chan []Event, want ...Number) {
	t.Helper()
	var got []Number
	for _, e := range next(t, events) {
		got = append(got, e.Number)
	}
	if !slices.Equal(got, want) {
		t.Errorf("got events %v, want %v", got, want)
	}
}

// The past comes at once.
func TestFollowPast(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	appendTo(t, path, record("000", "012.000", "Job submitted")+record("012", "012.000", "Job was held.")+record("013", "012.000", "Job was released."))
	wantNext(t, Follow(t.Context(), path, "12.0"), Submit, Held, Released)
}

func appendTo(t *testing.T, path, text string) {
	t.Helper()
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
}

func TestFollow(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "later")
	path := filepath.Join(dir, "log")
	ctx, cancel := context.WithCancel(t.Context())
	events := Follow(ctx, path, "12.0")

	if err := os.Mkdir(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, record("000", "012.000", "Job submitted")+record("000", "013.000", "Job submitted"))
	wantNext(t, events, Submit)

	// In two pieces, and with another job's record before it.
	whole := record("001", "012.000", "Job executing on host: <h>")
	appendTo(t, path, record("001", "013.000", "Job executing")+whole[:20])
	appendTo(t, path, whole[20:])
	wantNext(t, events, Execute)

	// Cut short: what is there now is all new.
	if err := os.WriteFile(path, []byte(record("012", "012.000", "Job was held.")), 0o600); err != nil {
		t.Fatal(err)
	}
	wantNext(t, events, Held)

	// Replaced by another file.
	beside := filepath.Join(dir, "beside")
	appendTo(t, beside, record("013", "012.000", "Job was released.")+strings.Repeat("\n...\n", 100))
	if err := os.Rename(beside, path); err != nil {
		t.Fatal(err)
	}
	wantNext(t, events, Released)

	// Gone, and there again.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, record("009", "012.000", "Job was aborted."))
	wantNext(t, events, Aborted)

	cancel()
	if e, ok := <-events; ok {
		t.Errorf("got %v after the end, want a closed channel", e)
	}
}

// A symbolic link leads to a directory that is not watched: only the ticks
// show what is written there, as on a network file system.
func TestFollowWithoutInotify(t *testing.T) {
	there, here := filepath.Join(t.TempDir(), "log"), filepath.Join(t.TempDir(), "log")
	if err := os.Symlink(there, here); err != nil {
		t.Fatal(err)
	}
	events := Follow(t.Context(), here, "")
	appendTo(t, there, record("000", "012.000", "Job submitted"))
	wantNext(t, events, Submit)
	appendTo(t, there, record("001", "012.000", "Job executing"))
	wantNext(t, events, Execute)
}

// A pipe in the log's place neither blocks nor keeps the end from coming.
func TestFollowPipe(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	events := Follow(ctx, path, "")
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	appendTo(t, path, record("000", "012.000", "Job submitted"))
	wantNext(t, events, Submit)
	cancel()
	for range events {
	}
}

// The end comes also while nobody takes the events, and leaves nothing open.
func TestFollowEndsUnread(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	appendTo(t, path, strings.Repeat(record("006", "012.000", "Image size of job updated: 1"), 5000))
	before := len(openFiles(t))
	for range 50 {
		ctx, cancel := context.WithCancel(t.Context())
		events := Follow(ctx, path, "")
		next(t, events)
		cancel()
		for range events {
		}
	}
	if after := openFiles(t); len(after) > before {
		t.Errorf("got %d open files, want %d as before: %v", len(after), before, after)
	}
}

func openFiles(t *testing.T) (targets []string) {
	t.Helper()
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range entries {
		if target, err := os.Readlink("/proc/self/fd/" + entry.Name()); err == nil {
			targets = append(targets, target)
		}
	}
	return targets
}
