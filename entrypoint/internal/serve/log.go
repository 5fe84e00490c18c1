package serve

import (
	"fmt"
	"io"
	"log"
	"os"
	"sync"
)

// maxLog is the size, in bytes, at which the log is put aside and begun anew,
// so that no peer can fill the disk with it.
const maxLog = 4 << 20

// eventLog is the entrypoint's log. What people should see goes to the job's
// output too. Failing to write either is no reason to end a job.
type eventLog struct {
	stdout io.Writer
	lines  *log.Logger

	mu   sync.Mutex
	path string
	file *os.File
	size int64
}

// openLog opens the log file at path.
func openLog(path string, stdout io.Writer) *eventLog {
	l := &eventLog{stdout: stdout, path: path}
	l.open()
	l.lines = log.New(l, "", log.LstdFlags|log.Lmsgprefix)
	return l
}

func (l *eventLog) open() {
	file, err := os.OpenFile(l.path, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		fmt.Fprintf(l.stdout, "perch: opening the log: %v\n", err)
		return
	}
	l.file, l.size = file, 0
	if info, err := file.Stat(); err == nil {
		l.size = info.Size()
	}
}

// details returns a logger for what goes into the file only.
func (l *eventLog) details() *log.Logger { return l.lines }

// say writes a line to the log and to the job's output.
func (l *eventLog) say(format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	fmt.Fprintf(l.stdout, "perch: %s\n", line)
	l.lines.Print(line)
}

// Write writes to the log file, which it changes for a new one where that is
// long enough.
func (l *eventLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil && l.size > maxLog {
		l.file.Close()
		l.file = nil
		os.Rename(l.path, l.path+".old")
		l.open()
	}
	if l.file == nil {
		return len(p), nil
	}
	l.size += int64(len(p))
	return l.file.Write(p)
}

// Close closes the log file.
func (l *eventLog) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
