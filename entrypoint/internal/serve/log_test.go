package serve

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestLog(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	var stdout bytes.Buffer
	l := openLog(path, &stdout)
	l.say("one %d", 1)
	l.details().Print("two")
	l.Close()
	l.say("after the end")
	if got, want := stdout.String(), "perch: one 1\nperch: after the end\n"; got != want {
		t.Errorf("output: got %q, want %q", got, want)
	}
	content, _ := os.ReadFile(path)
	if got := string(content); !strings.Contains(got, " one 1\n") || !strings.Contains(got, " two\n") || strings.Contains(got, "after") {
		t.Errorf("file: got %q", got)
	}
}

// However much is logged, the files keep their bounds and the last line is there.
func TestLogIsBounded(t *testing.T) {
	path := filepath.Join(t.TempDir(), "log")
	l := openLog(path, new(bytes.Buffer))
	defer l.Close()
	line := strings.Repeat("x", 64<<10)
	for range 3 * maxLog / len(line) {
		l.details().Print(line)
	}
	l.details().Print("the last line")
	for _, name := range []string{path, path + ".old"} {
		if info, err := os.Stat(name); err != nil || info.Size() > maxLog+2*int64(len(line)) || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v", name, info, err)
		}
	}
	if content, _ := os.ReadFile(path); !strings.HasSuffix(string(content), " the last line\n") {
		t.Error("the last line is not there")
	}
}

// A place where no log can be written is said once and does not end the job.
func TestNoLog(t *testing.T) {
	var stdout bytes.Buffer
	l := openLog("/nonesuch/log", &stdout)
	l.say("goes on")
	if err := l.Close(); err != nil || !strings.Contains(stdout.String(), "opening the log: ") || !strings.HasSuffix(stdout.String(), "perch: goes on\n") {
		t.Errorf("got %q, %v", &stdout, err)
	}
}
