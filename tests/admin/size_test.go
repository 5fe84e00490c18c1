package admin

import (
	"strings"
	"testing"

	"perch/tests/pool"
)

// allowed stands in each refusal.
const allowed = "an editing job may ask for 6 cores, 32768 MB of memory, 104857600 KB of disk and 1 GPUs at most; this one asks for "

func checkSize(t *testing.T, p *pool.Pool) {
	p.Submit(t, "alice", editor("hold = true", "request_cpus = 6", "request_memory = 32G", "request_disk = 100G", "request_gpus = 1"))
	remove(t, p, "alice")
	for _, test := range []struct{ lines, asks string }{
		{"request_cpus = 7\nrequest_disk = 1G", "7 cores, 2048 MB, 1048576 KB and 0 GPUs"},
		{"request_memory = 33G\nrequest_disk = 1G", "1 cores, 33792 MB, 1048576 KB and 0 GPUs"},
		{"request_disk = 101G", "1 cores, 2048 MB, 105906176 KB and 0 GPUs"},
		{"request_gpus = 2\nrequest_disk = 1G", "1 cores, 2048 MB, 1048576 KB and 2 GPUs"},
		{"request_cpus = TARGET.Cpus\nrequest_disk = 1G", "unknown cores, 2048 MB, 1048576 KB and 0 GPUs"},
	} {
		got := p.TrySubmit(t, "alice", editor("hold = true", test.lines))
		if got.Code != 1 || !strings.Contains(got.Stderr, "ERROR: "+allowed+test.asks+"\n") {
			t.Errorf("%s: status %d, says\n%s\nwant 1 and\n%s", test.lines, got.Code, got.Stderr, allowed+test.asks)
		}
	}
	if got := p.Run(t, "alice", "condor_q", "alice", "-autoformat", "ClusterId"); got != "" {
		t.Errorf("jobs that were refused are in the queue: %q", got)
	}
}
