package htcondor

import (
	"path/filepath"
	"strings"
	"testing"
)

func TestTail(t *testing.T) {
	var said tail
	for range 100 {
		if n, err := said.Write([]byte(strings.Repeat("x", 99) + "\n")); n != 100 || err != nil {
			t.Fatalf("Write: %d, %v", n, err)
		}
	}
	said.Write([]byte("the end"))
	if got := said.String(); len(got) != 4096 || !strings.HasSuffix(got, "the end") {
		t.Errorf("kept %d bytes, the last of which are %q", len(got), filepath.Base(got[len(got)-8:]))
	}
}

func TestWatcher(t *testing.T) {
	const line = "the end"
	for _, c := range []struct {
		name   string
		writes []string
		want   int
	}{
		{"nothing", nil, 0},
		{"other lines", []string{"the en", "the beginning of the\n", "end"}, 0},
		{"whole", []string{"some warning\n" + line + "\n"}, 1},
		{"in pieces", append([]string{strings.Repeat("x", 1000), "the "}, strings.Split("the end", "")...), 1},
		{"twice", []string{line, line}, 1},
	} {
		seen := 0
		w := &watcher{text: line, seen: func() { seen++ }}
		for _, text := range c.writes {
			if n, err := w.Write([]byte(text)); n != len(text) || err != nil {
				t.Errorf("%s: Write: %d, %v", c.name, n, err)
			}
			if len(w.last) > len(line) {
				t.Errorf("%s: %d bytes are kept", c.name, len(w.last))
			}
		}
		if seen != c.want {
			t.Errorf("%s: seen %d times, want %d", c.name, seen, c.want)
		}
	}
}
