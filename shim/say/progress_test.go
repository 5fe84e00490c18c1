package say

import (
	"os"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"
)

// TestPlainProgress runs in the fake time of synctest, as do the next ones.
func TestPlainProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		pr := ForUser(&out).Progress()
		start := time.Now()
		next := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			pr.p.mu.Lock()
			defer pr.p.mu.Unlock()
			if out.String() != want {
				t.Errorf("after %v: wrote %q, want %q", time.Since(start), out.String(), want)
			}
			out.Reset()
		}
		pr.Set("job 1.0 is idle", start)
		next(0, "perch: job 1.0 is idle\n")
		pr.Set("job 1.0 is idle", start)
		next(4*time.Second, "")
		next(time.Second, "perch: job 1.0 is idle (5 s)\n")
		next(11*time.Second, "perch: job 1.0 is idle (10 s)\nperch: job 1.0 is idle (15 s)\n")
		pr.Set("job 1.0 is held:\nno", time.Time{})
		next(0, "perch: job 1.0 is held: no\n")
		pr.p.Line("between")
		next(6*time.Second, "perch: between\nperch: job 1.0 is held: no\n")
		pr.Done("job 1.0 runs")
		pr.Done("")
		next(time.Hour, "perch: job 1.0 runs\n")
	})
}

func TestTerminalProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		columns := 30
		p := ForUser(&out)
		p.width = func() int { return columns }
		pr := p.Progress()
		next := func(d time.Duration, want string) {
			t.Helper()
			time.Sleep(d)
			synctest.Wait()
			pr.p.mu.Lock()
			defer pr.p.mu.Unlock()
			if out.String() != want {
				t.Errorf("wrote %q, want %q", out.String(), want)
			}
			out.Reset()
		}
		next(3*time.Second, "")
		pr.Set("job 1.0 is idle", time.Now().Add(-time.Minute))
		next(0, "\rperch: job 1.0 is idle (1 min\x1b[K")
		pr.p.mu.Lock()
		columns = 80
		pr.p.mu.Unlock()
		next(1500*time.Millisecond, "\rperch: job 1.0 is idle (1 min 1 s)\x1b[K")
		pr.p.Error(os.ErrNotExist)
		next(0, "\r\x1b[Kperch: file does not exist\n\rperch: job 1.0 is idle (1 min 1 s)\x1b[K")
		pr.Done("job 1.0 runs")
		next(time.Hour, "\r\x1b[Kperch: job 1.0 runs\n")
	})
}

// TestSecondProgress: the new one is shown, and both end.
func TestSecondProgress(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := ForUser(&out)
		first, second := p.Progress(), p.Progress()
		second.Set("second", time.Time{})
		first.Set("first", time.Time{})
		first.Done("")
		second.Done("done")
		if want := "perch: second\nperch: done\n"; out.String() != want {
			t.Errorf("wrote %q, want %q", out.String(), want)
		}
	})
}

// TestRealTerminal gives New a pseudo-terminal of 20 columns.
func TestRealTerminal(t *testing.T) {
	t.Setenv("TERM", "xterm")
	master, slave := openTerminal(t, 20)
	pr := ForUser(slave).Progress()
	pr.Set("waiting for a job with a long name", time.Time{})
	pr.Done("done")
	want := "\rperch: waiting for\x1b[K\r\x1b[Kperch: done\r\n"
	got := make([]byte, len(want))
	for n := 0; n < len(got); {
		m, err := master.Read(got[n:])
		if err != nil {
			t.Fatalf("%v after %q", err, got[:n])
		}
		n += m
	}
	if string(got) != want {
		t.Errorf("the terminal got %q, want %q", got, want)
	}
}

func openTerminal(t *testing.T, columns uint16) (master, slave *os.File) {
	t.Helper()
	master, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { master.Close() })
	fd := int(master.Fd())
	if err := unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 24, Col: columns}); err != nil {
		t.Fatal(err)
	}
	peer, _, errno := unix.Syscall(unix.SYS_IOCTL, uintptr(fd), unix.TIOCGPTPEER, unix.O_RDWR|unix.O_NOCTTY)
	if errno != 0 {
		t.Fatal(errno)
	}
	slave = os.NewFile(peer, "terminal")
	t.Cleanup(func() { slave.Close() })
	return master, slave
}

func TestElapsed(t *testing.T) {
	for d, want := range map[time.Duration]string{
		0: "0 s", 59900 * time.Millisecond: "59 s", time.Minute: "1 min 0 s",
		59*time.Minute + 59*time.Second: "59 min 59 s", 61 * time.Minute: "1 h 1 min",
		50 * time.Hour: "2 d 2 h",
	} {
		if got := Elapsed(d); got != want {
			t.Errorf("Elapsed(%v) = %q, want %q", d, got, want)
		}
	}
}

func TestCut(t *testing.T) {
	for _, c := range []struct {
		line    string
		columns int
		want    string
	}{
		{"short", 5, "short"}, {"longer", 5, "longe"}, {"世界", 4, "世界"}, {"世界", 3, "世"}, {"a b", 2, "a"}, {"x", 0, ""},
	} {
		if got := cut(c.line, c.columns); got != c.want {
			t.Errorf("cut(%q, %d) = %q, want %q", c.line, c.columns, got, c.want)
		}
	}
}

// TestExtent: how much there is stands behind the time, as it is then.
func TestExtent(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		p := New("perch-ci", &out, 30*time.Second)
		pr := p.Progress()
		size := ""
		pr.Extent(func() string { return size })
		pr.Set("writing a file", time.Now())
		time.Sleep(31 * time.Second)
		p.mu.Lock()
		size = "12 MB"
		p.mu.Unlock()
		time.Sleep(30 * time.Second)
		pr.Extent(nil)
		time.Sleep(30 * time.Second)
		pr.Done("")
		const want = "perch-ci: writing a file\nperch-ci: writing a file (30 s)\nperch-ci: writing a file (1 min 0 s, 12 MB)\nperch-ci: writing a file (1 min 30 s)\n"
		if out.String() != want {
			t.Errorf("wrote %q, want %q", out.String(), want)
		}
	})
}
