package userlog

import (
	"bytes"
	"fmt"
	"io"
)

// maxRecord bounds a record, in bytes. Longer ones are skipped: HTCondor's own
// stay below a few KiB, but for ad updates (028) that ask for everything.
const maxRecord = 64 << 10

// separator ends a record: a line of three dots.
const separator = "\n...\n"

// splitter cuts a stream of bytes into records. The zero value is ready.
type splitter struct {
	// buf begins with a line end, so that each separator is found alike.
	buf  []byte
	skip bool
}

// feed takes the next bytes of the log and calls emit for each record that is
// whole by now, until emit returns false, which it passes on. What follows the
// last separator is kept for the next call.
func (s *splitter) feed(p []byte, emit func(record string) bool) bool {
	if s.buf == nil {
		s.buf = []byte{'\n'}
	}
	s.buf = append(s.buf, p...)
	for {
		end := bytes.Index(s.buf, []byte(separator))
		if end < 0 {
			break
		}
		record, dropped := string(s.buf[:end]), s.skip || end > maxRecord
		s.buf, s.skip = s.buf[end+len(separator)-1:], false
		if !dropped && !emit(record) {
			return false
		}
	}
	if len(s.buf) > maxRecord {
		s.skip = true
		s.buf = append([]byte(nil), s.buf[len(s.buf)-len(separator)+1:]...)
	}
	return true
}

// Read returns the events of job in a whole log, or of all jobs where job is
// "". Records that cannot be read, and a last one without its end, are left
// out.
func Read(r io.Reader, job string) ([]Event, error) {
	var (
		split  splitter
		events []Event
		chunk  = make([]byte, 32<<10)
	)
	for {
		n, err := r.Read(chunk)
		split.feed(chunk[:n], func(record string) bool {
			if e, ok := parse(record); ok && (job == "" || e.Job == job) {
				events = append(events, e)
			}
			return true
		})
		if err == io.EOF {
			return events, nil
		}
		if err != nil {
			return events, fmt.Errorf("reading user log: %w", err)
		}
	}
}
