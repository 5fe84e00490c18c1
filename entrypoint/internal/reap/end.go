package reap

import (
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

const (
	// grace is how long processes have between SIGTERM and SIGKILL.
	grace = time.Second
	// patience is how long endAll goes on in all: a process that hangs in the
	// kernel, or that belongs to another user, must not hold the slot.
	patience = 5 * time.Second
	pace     = 10 * time.Millisecond
)

// endAll ends and reaps all processes below this one: SIGTERM, then SIGKILL,
// until there is no child left. Everything below comes to this process in the
// end, since it is a subreaper. It says what could not be ended, or "".
func endAll() string {
	begun := time.Now()
	signalled := map[int]bool{}
	for !reapAll() {
		below := descendants(os.Getpid(), processes())
		switch waited := time.Since(begun); {
		case waited > patience:
			return fmt.Sprintf("%d processes could not be ended: %v", len(below), below)
		case waited > grace:
			signalEach(below, syscall.SIGKILL)
		default:
			fresh := slices.DeleteFunc(below, func(pid int) bool { return signalled[pid] })
			signalEach(fresh, syscall.SIGTERM)
			for _, pid := range fresh {
				signalled[pid] = true
			}
		}
		time.Sleep(pace)
	}
	return ""
}

// reapAll waits for what has ended, and says whether no child is left.
func reapAll() bool {
	for {
		pid, err := syscall.Wait4(-1, nil, syscall.WNOHANG, nil)
		switch {
		case err == syscall.EINTR:
		case err != nil:
			return true
		case pid == 0:
			return false
		}
	}
}

func signalEach(pids []int, s syscall.Signal) {
	for _, pid := range pids {
		syscall.Kill(pid, s)
	}
}

// processes returns the parent of each process that is not a zombie.
func processes() map[int]int {
	parents := map[int]int{}
	for _, pid := range pids() {
		stat, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
		if err != nil {
			continue // it has ended
		}
		if parent, alive := parentOf(string(stat)); alive {
			parents[pid] = parent
		}
	}
	return parents
}

func pids() []int {
	entries, _ := os.ReadDir("/proc")
	var all []int
	for _, entry := range entries {
		if pid, err := strconv.Atoi(entry.Name()); err == nil {
			all = append(all, pid)
		}
	}
	return all
}

// parentOf reads a line of /proc/PID/stat (proc_pid_stat(5)). The command's
// name in it may hold any byte, so what counts comes behind the last ")".
func parentOf(stat string) (parent int, alive bool) {
	fields := strings.Fields(stat[strings.LastIndexByte(stat, ')')+1:])
	if len(fields) < 2 || fields[0] == "Z" || fields[0] == "X" {
		return 0, false
	}
	parent, err := strconv.Atoi(fields[1])
	return parent, err == nil
}

// descendants returns all processes below root.
func descendants(root int, parents map[int]int) []int {
	children := map[int][]int{}
	for pid, parent := range parents {
		children[parent] = append(children[parent], pid)
	}
	found := slices.Clone(children[root])
	for i := 0; i < len(found); i++ {
		found = append(found, children[found[i]]...)
	}
	return found
}
