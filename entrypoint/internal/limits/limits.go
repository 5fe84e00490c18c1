// Package limits says how much of the machine a job may use, and lifts what can
// be lifted.
package limits

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/jobad"
)

// Limits are what the job may use: by its slot's ad, by its cgroup, by its CPU
// affinity. 0 means that nothing limits it, as far as can be seen.
type Limits struct {
	SlotCpus     int64   `json:"slot_cpus"`
	SlotMemory   int64   `json:"slot_memory_bytes"`
	SlotDisk     int64   `json:"slot_disk_bytes"`
	CgroupCpus   float64 `json:"cgroup_cpus"`
	CgroupMemory int64   `json:"cgroup_memory_bytes"`
	CgroupPids   int64   `json:"cgroup_pids"`
	Processors   int     `json:"processors"`
}

// Read reads the slot's ad, if there is one, and this process's cgroup.
func Read(machineAd string) Limits {
	l := Limits{Processors: runtime.NumCPU()}
	l.readSlot(machineAd)
	l.readCgroup("/sys/fs/cgroup", "/proc/self/cgroup")
	return l
}

// readSlot reads the machine ad: Memory is in MiB there, Disk in KiB.
func (l *Limits) readSlot(path string) {
	f, err := os.Open(path)
	if err != nil {
		return
	}
	defer f.Close()
	ad, _ := jobad.Parse(f)
	positive := func(name string, unit int64) int64 {
		if n, _, valid := ad.Int(name); valid && n > 0 && n < 1<<40 {
			return n * unit
		}
		return 0
	}
	l.SlotCpus = positive("Cpus", 1)
	l.SlotMemory = positive("Memory", 1<<20)
	l.SlotDisk = positive("Disk", 1<<10)
}

// readCgroup reads the limits of cgroup version 2 (Documentation/admin-guide/
// cgroup-v2.rst), or those of version 1 where a controller is there instead. A
// hybrid system has both hierarchies, and the limits stand in one of them.
func (l *Limits) readCgroup(mount, self string) {
	membership, err := os.ReadFile(self)
	if err != nil {
		return
	}
	for _, line := range strings.Split(string(membership), "\n") {
		fields := strings.SplitN(line, ":", 3)
		if len(fields) != 3 {
			continue
		}
		if fields[1] == "" {
			l.readVersion2(mount, fields[2])
		}
		for _, controller := range strings.Split(fields[1], ",") {
			l.readVersion1(controller, filepath.Join(mount, controller), fields[2])
		}
	}
}

func (l *Limits) readVersion2(mount, group string) {
	if n := number(mount, group, "memory.max"); n > 0 {
		l.CgroupMemory = n
	}
	if n := number(mount, group, "pids.max"); n > 0 {
		l.CgroupPids = n
	}
	if fields := strings.Fields(find(mount, group, "cpu.max")); len(fields) == 2 {
		l.CgroupCpus = quotient(fields[0], fields[1])
	}
}

func (l *Limits) readVersion1(controller, mount, group string) {
	switch controller {
	case "memory":
		// Without a limit this is a number near the largest one.
		if n := number(mount, group, "memory.limit_in_bytes"); n < 1<<60 {
			l.CgroupMemory = n
		}
	case "pids":
		l.CgroupPids = number(mount, group, "pids.max")
	case "cpu":
		l.CgroupCpus = quotient(find(mount, group, "cpu.cfs_quota_us"), find(mount, group, "cpu.cfs_period_us"))
	}
}

// find reads a file of the nearest group that has it: in a container the groups
// that /proc names may be those of the host, and the mount shows ours alone.
func find(mount, group, name string) string {
	for _, dir := range []string{filepath.Join(mount, group), mount} {
		if content, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
			return strings.TrimSpace(string(content))
		}
	}
	return ""
}

func number(mount, group, name string) int64 {
	n, err := strconv.ParseInt(find(mount, group, name), 10, 64)
	if err != nil {
		return 0 // "max", or no such file
	}
	return n
}

func quotient(quota, period string) float64 {
	q, err := strconv.ParseFloat(quota, 64)
	p, err2 := strconv.ParseFloat(period, 64)
	if err != nil || err2 != nil || q <= 0 || p <= 0 {
		return 0
	}
	return q / p
}

// Cpus is how many processors the job was granted: by its slot, else by its
// cgroup, at least one; 0 where nothing limits it below what it sees.
func (l Limits) Cpus() int {
	granted := int(l.SlotCpus)
	if granted == 0 && l.CgroupCpus > 0 {
		granted = max(1, int(l.CgroupCpus))
	}
	if granted >= l.Processors {
		return 0
	}
	return granted
}

// Memory is how many bytes of memory the job may use: the lower one of its
// slot's and its cgroup's; 0 where neither limits it.
func (l Limits) Memory() int64 {
	if l.SlotMemory == 0 || l.CgroupMemory > 0 && l.CgroupMemory < l.SlotMemory {
		return l.CgroupMemory
	}
	return l.SlotMemory
}

// Granted says in a few words how many cores and how much memory the job may
// use: what its slot has or, where less, its cgroup.
func (l Limits) Granted() string {
	cores := float64(l.Processors)
	for _, n := range []float64{float64(l.SlotCpus), l.CgroupCpus} {
		if n > 0 {
			cores = min(cores, n)
		}
	}
	text := strconv.FormatFloat(cores, 'f', -1, 64) + " cores"
	if cores == 1 {
		text = "1 core"
	}
	if l.Memory() == 0 {
		return text + ", no limit of memory"
	}
	return text + ", " + finding.Size(uint64(l.Memory())) + " of memory"
}

// Text is the limits as a line for people.
func (l Limits) Text() string {
	parts := []string{fmt.Sprintf("%d processors", l.Processors)}
	add := func(set bool, format string, args ...any) {
		if set {
			parts = append(parts, fmt.Sprintf(format, args...))
		}
	}
	add(l.SlotCpus > 0, "slot with %d cpus", l.SlotCpus)
	add(l.SlotMemory > 0, "%s memory", finding.Size(uint64(l.SlotMemory)))
	add(l.SlotDisk > 0, "%s disk", finding.Size(uint64(l.SlotDisk)))
	add(l.CgroupCpus > 0, "cgroup with %.1f cpus", l.CgroupCpus)
	add(l.CgroupMemory > 0, "%s memory in the cgroup", finding.Size(uint64(l.CgroupMemory)))
	add(l.CgroupPids > 0, "%d processes", l.CgroupPids)
	return strings.Join(parts, ", ")
}
