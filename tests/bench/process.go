package main

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// family are the processes of the program called name that this process has
// started, and those that they have started, and so on.
func family(name string) (pids []int) {
	parents, own := map[int]int{}, os.Getpid()
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // fails for bad patterns only
	for _, path := range stats {
		pid, _ := strconv.Atoi(filepath.Base(filepath.Dir(path)))
		parents[pid] = parentIn(read(path))
	}
	for pid := range parents {
		exe, _ := os.Readlink(filepath.Join("/proc", strconv.Itoa(pid), "exe"))
		if strings.HasPrefix(filepath.Base(exe), name) && descends(parents, pid, own) {
			pids = append(pids, pid)
		}
	}
	return pids
}

func descends(parents map[int]int, pid, from int) bool {
	for pid > 1 && pid != from {
		pid = parents[pid]
	}
	return pid == from
}

// parentIn is the parent in proc_pid_stat(5); 0 for a process that has ended.
func parentIn(stat string) int {
	if fields := statFields(stat); len(fields) > 1 {
		parent, _ := strconv.Atoi(fields[1])
		return parent
	}
	return 0
}

// state is what processes hold.
type state struct {
	// Resident is their memory, in bytes: that of one process, or of several
	// with each shared page divided among those that share it.
	Resident float64
	// Processes, Threads and Files count them and their open descriptors.
	Processes, Threads, Files int
}

// stateOf adds up what processes hold.
func stateOf(pids []int) state {
	s := state{Processes: len(pids)}
	for _, pid := range pids {
		dir := filepath.Join("/proc", strconv.Itoa(pid))
		what := find(read(filepath.Join(dir, "smaps_rollup")), `(?m)^Pss:\s*(\d+) kB`)
		if len(pids) == 1 {
			what = find(read(filepath.Join(dir, "status")), `VmRSS:\s*(\d+) kB`)
		}
		kib, _ := strconv.ParseFloat(what, 64)
		s.Resident += 1024 * kib
		threads, _ := strconv.Atoi(find(read(filepath.Join(dir, "status")), `Threads:\s*(\d+)`))
		s.Threads += threads
		files, _ := os.ReadDir(filepath.Join(dir, "fd"))
		s.Files += len(files)
	}
	return s
}

// ownBusy is the processor time, in seconds, of processes without that of those
// that they have waited for.
func ownBusy(pids []int) float64 {
	var sum int
	for _, pid := range pids {
		if fields := statFields(read(filepath.Join("/proc", strconv.Itoa(pid), "stat"))); len(fields) > 12 {
			for _, f := range fields[11:13] {
				n, _ := strconv.Atoi(f)
				sum += n
			}
		}
	}
	return float64(sum) / ticks
}
