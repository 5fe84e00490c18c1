package main

import (
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
)

// ticks are those of /proc in a second: USER_HZ, which is 100 on all that Go
// runs Linux on.
const ticks = 100

// poolBusy is the processor time, in seconds, that all processes of the pool
// have used so far, those that have ended and were waited for among them. On a
// machine that does much else it says more than a clock.
func poolBusy() float64 {
	stats, _ := filepath.Glob("/proc/[0-9]*/stat") // fails for bad patterns only
	var sum int
	for _, path := range stats {
		sum += busyTicks(read(path))
	}
	return float64(sum) / ticks
}

// busyTicks adds up utime, stime, cutime and cstime of proc_pid_stat(5). A
// process that has ended meanwhile has an empty text.
func busyTicks(stat string) (sum int) {
	fields := statFields(stat)
	if len(fields) < 15 {
		return 0
	}
	for _, f := range fields[11:15] {
		n, _ := strconv.Atoi(f)
		sum += n
	}
	return sum
}

// statFields are those of proc_pid_stat(5) behind the name, which may have
// blanks and brackets itself: the first is the state.
func statFields(stat string) []string {
	return strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
}

// clientBusy is the processor time, in seconds, of a command that has ended
// and of what it has waited for.
func clientBusy(cmd *exec.Cmd) float64 {
	return (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
}
