package home

import (
	"strings"
	"testing"

	specs "github.com/opencontainers/runtime-spec/specs-go"
)

// TestCgroup: without a slot's ad, the container's cgroup says what was granted.
func TestCgroup(t *testing.T) {
	c := newContainer(t)
	period, quota, memory, pids := uint64(100_000), int64(100_000), int64(768<<20), int64(500)
	c.spec.Linux.Resources.CPU = &specs.LinuxCPU{Quota: &quota, Period: &period}
	c.spec.Linux.Resources.Memory = &specs.LinuxMemory{Limit: &memory}
	c.spec.Linux.Resources.Pids = &specs.LinuxPids{Limit: &pids}
	c.start()
	c.says("grep -c ^processor /proc/cpuinfo", "") // the machine's, for the log
	c.is("nproc", "1")
	c.is("echo $OMP_NUM_THREADS", "1")
	c.says("/srv/perch-entrypoint check", "cgroup with 1.0 cpus, 768 MiB memory in the cgroup, 500 processes")
	c.says("/srv/perch-entrypoint check", "OMP_NUM_THREADS says so to nproc and OpenMP")
	if out, _ := c.ssh("exit\n", "-tt", "job"); !strings.Contains(out, "granted: 1 core, 768 MiB of memory") {
		t.Errorf("the greeting is\n%s", out)
	}
}

// TestCpuset: the kernel itself tells programs of these.
func TestCpuset(t *testing.T) {
	c := newContainer(t)
	c.spec.Linux.Resources.CPU = &specs.LinuxCPU{Cpus: "0", Mems: "0"}
	c.start()
	c.is("nproc", "1")
	c.is("echo $OMP_NUM_THREADS", "")
	c.says("/srv/perch-entrypoint check", "granted:  1 processors")
	if out, _ := c.ssh("exit\n", "-tt", "job"); !strings.Contains(out, "granted: 1 core, ") {
		t.Errorf("the greeting is\n%s", out)
	}
}
