package limits

import (
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"perch/entrypoint/internal/finding"
)

// TestRaise: the soft limit follows the hard one, up and down to what is sensible,
// and it is said when it was raised, or is low.
func TestRaise(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { set(t, limit) })
	hard := limit.Max
	for _, test := range []struct {
		name                    string
		was, most, wanted, want uint64
		found                   []string
	}{
		{"low", hard / 2, hard * 2, 1, hard, []string{"low soft limits"}},
		{"up to the most", hard / 2, hard - 1, 1, hard - 1, []string{"low soft limits"}},
		{"as Go's runtime leaves a hard limit of 10^9", hard - 1, hard / 2, 1, hard / 2, nil},
		{"too high", hard, hard / 2, 1, hard / 2, nil},
		{"right", hard, hard, 1, hard, nil},
		{"right, but few", hard, hard, hard + 1, hard, []string{"few open files"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			set(t, syscall.Rlimit{Cur: test.was, Max: hard})
			var found finding.List
			raise(&found, "few open files", "open files", unix.RLIMIT_NOFILE, test.most, test.wanted)
			var got syscall.Rlimit
			if err := syscall.Getrlimit(unix.RLIMIT_NOFILE, &got); err != nil || got.Cur != test.want || got.Max != hard {
				t.Errorf("got %+v, %v; want %d of %d", got, err, test.want, hard)
			}
			var names []string
			for _, f := range found {
				names = append(names, f.What)
			}
			if len(names) != len(test.found) || len(names) == 1 && names[0] != test.found[0] {
				t.Errorf("found %q, want %q", names, test.found)
			}
		})
	}
}

func set(t *testing.T, limit syscall.Rlimit) {
	t.Helper()
	if err := syscall.Setrlimit(unix.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
}
