// Package steps tells the user how the making of an image goes on: which step it
// is at, for how long, and how large what it makes has become. On a terminal
// that is one changing line, and a line that stays for each step that was done;
// in a log it is plain lines.
package steps

import (
	"fmt"
	"io"
	"io/fs"
	"path/filepath"
	"time"

	"perch/shim/say"
)

const (
	// short is what a step need not take to be worth a line on its time.
	short = time.Second
	// repeat is how often a log is told that a step still goes on.
	repeat = 30 * time.Second
)

// Steps are the steps of a run of perch-ci. Its methods are for one goroutine.
type Steps struct {
	say *say.Printer
	// The step under way, if progress is not nil.
	progress *say.Progress
	text     string
	size     func() string
	begun    time.Time
}

// New returns steps that are written to w, which is stderr.
func New(w io.Writer) *Steps { return &Steps{say: say.New("perch-ci", w, repeat)} }

// Line writes a remark.
func (s *Steps) Line(format string, args ...any) { s.say.Line(format, args...) }

// Begin ends the step before, and begins one. file is what it makes, a file or a
// directory of a few, or "" where there is none or its size tells nothing. It
// need not be there yet.
func (s *Steps) Begin(file, format string, args ...any) {
	s.begin(func() string { return size(file) }, format, args...)
}

// Count is Begin for a step that makes no file, but knows how many bytes it has
// done, such as sent. count is called by other goroutines.
func (s *Steps) Count(count func() int64, format string, args ...any) {
	s.begin(func() string { return megabytes(count()) }, format, args...)
}

func (s *Steps) begin(size func() string, format string, args ...any) {
	s.End()
	s.text, s.size, s.begun = fmt.Sprintf(format, args...), size, time.Now()
	s.progress = s.say.Progress()
	s.progress.Extent(size)
	s.progress.Set(s.text, s.begun)
}

// At says how far the step is, in place of what Begin said. A log hears of it
// only if that lasts.
func (s *Steps) At(format string, args ...any) { s.progress.Detail(fmt.Sprintf(format, args...)) }

// End ends the step under way, if there is one, as must be done with the last.
// One of some length leaves a line that says how long it took.
func (s *Steps) End() {
	if s.progress == nil {
		return
	}
	line := ""
	if elapsed := time.Since(s.begun); elapsed >= short {
		line = s.text + ": " + say.Elapsed(elapsed)
		if made := s.size(); made != "" {
			line += ", " + made
		}
	}
	s.progress.Done(line)
	s.progress = nil
}

// size is how large a file is, or the files in a directory, for people; "" where
// there is none.
func size(file string) string {
	if file == "" {
		return ""
	}
	var bytes int64
	_ = filepath.WalkDir(file, func(_ string, d fs.DirEntry, err error) error {
		// A file may vanish while it is looked at.
		if err != nil || d.IsDir() {
			return nil
		}
		if info, err := d.Info(); err == nil {
			bytes += info.Size()
		}
		return nil
	})
	return megabytes(bytes)
}

const mega = 1_000_000

func megabytes(bytes int64) string {
	if bytes == 0 {
		return ""
	}
	return fmt.Sprintf("%d MB", (bytes+mega-1)/mega)
}
