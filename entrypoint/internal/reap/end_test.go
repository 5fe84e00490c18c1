package reap

import (
	"os"
	"slices"
	"testing"
)

func TestParentOf(t *testing.T) {
	for _, test := range []struct {
		stat   string
		parent int
		alive  bool
	}{
		{"12 (sh) S 7 12 12 0", 7, true},
		{"12 (a) Z (b) R) R 8 1 1", 8, true},
		{"12 (sh) Z 7 12 12 0", 0, false},
		{"12 (sh", 0, false},
		{"", 0, false},
		{"12 (sh) S x", 0, false},
	} {
		if parent, alive := parentOf(test.stat); parent != test.parent || alive != test.alive {
			t.Errorf("parentOf(%q): got %d, %v, want %d, %v", test.stat, parent, alive, test.parent, test.alive)
		}
	}
}

func TestDescendants(t *testing.T) {
	got := descendants(1, map[int]int{2: 1, 3: 2, 4: 3, 5: 9, 9: 0, 1: 0})
	slices.Sort(got)
	if want := []int{2, 3, 4}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

func TestProcesses(t *testing.T) {
	if got, want := processes()[os.Getpid()], os.Getppid(); got != want {
		t.Errorf("this process's parent: got %d, want %d", got, want)
	}
}
