package steps

import (
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

func TestSteps(t *testing.T) {
	dir := t.TempDir()
	synctest.Test(t, func(t *testing.T) {
		var out strings.Builder
		s := New(&out)
		s.End()
		s.Begin("", "looking")
		s.Begin(dir, "writing %s", "x.tar")
		time.Sleep(31 * time.Second)
		if err := os.WriteFile(filepath.Join(dir, "blob"), make([]byte, 1_500_000), 0o644); err != nil {
			t.Fatal(err)
		}
		s.At("at layer %d of 3", 2)
		s.Line("a remark")
		time.Sleep(35 * time.Second)
		s.Begin(filepath.Join(dir, "none"), "unpacking it")
		time.Sleep(2 * time.Second)
		var sent atomic.Int64
		s.Count(sent.Load, "sending it")
		sent.Store(3_000_000)
		time.Sleep(2 * time.Second)
		s.End()
		const want = `perch-ci: looking
perch-ci: writing x.tar
perch-ci: writing x.tar (30 s)
perch-ci: a remark
perch-ci: at layer 2 of 3 (1 min 0 s, 2 MB)
perch-ci: writing x.tar: 1 min 6 s, 2 MB
perch-ci: unpacking it
perch-ci: unpacking it: 2 s
perch-ci: sending it
perch-ci: sending it: 2 s, 3 MB
`
		if out.String() != want {
			t.Errorf("got %s\nwant %s", out.String(), want)
		}
	})
}
