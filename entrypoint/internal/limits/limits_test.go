package limits

import (
	"os"
	"path/filepath"
	"testing"
)

func put(t *testing.T, content string, elem ...string) {
	t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestCgroups(t *testing.T) {
	for _, test := range []struct {
		name, self string
		files      map[string]string
		want       Limits
	}{
		{
			"version 2", "0::/job\n",
			map[string]string{"job/memory.max": "1048576\n", "job/cpu.max": "150000 100000\n", "job/pids.max": "max\n"},
			Limits{CgroupMemory: 1 << 20, CgroupCpus: 1.5},
		},
		{
			"version 2, the host's name in a container", "0::/system.slice/job\n",
			map[string]string{"memory.max": "4096\n", "cpu.max": "max 100000\n"},
			Limits{CgroupMemory: 4096},
		},
		{
			"version 1", "5:memory:/j\n4:cpu,cpuacct:/j\n3:pids:/j\nnonsense\n",
			map[string]string{"memory/j/memory.limit_in_bytes": "8192\n", "cpu/j/cpu.cfs_quota_us": "50000", "cpu/j/cpu.cfs_period_us": "100000", "pids/j/pids.max": "99"},
			Limits{CgroupMemory: 8192, CgroupCpus: 0.5, CgroupPids: 99},
		},
		{
			"both, with the limits in version 1", "4:memory:/j\n3:pids:/j\n1:cpu:/j\n0::/j\n",
			map[string]string{"memory/memory.limit_in_bytes": "8192\n", "cpu/cpu.cfs_quota_us": "50000", "cpu/cpu.cfs_period_us": "100000", "pids/pids.max": "99"},
			Limits{CgroupMemory: 8192, CgroupCpus: 0.5, CgroupPids: 99},
		},
		{
			"version 1 without a limit", "5:memory:/\n4:cpu:/\n",
			map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712", "cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
			Limits{},
		},
	} {
		mount := t.TempDir()
		put(t, test.self, mount, "self")
		for name, content := range test.files {
			put(t, content, mount, name)
		}
		var got Limits
		got.readCgroup(mount, filepath.Join(mount, "self"))
		if got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}
