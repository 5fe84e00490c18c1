package reap

import (
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
	// patience is how long pursue goes on in all: a process that hangs in the
	// kernel, or that belongs to another user, must not hold the slot.
	patience = 5 * time.Second
	pace     = 10 * time.Millisecond
)

// endAll ends and reaps all processes below this one, and returns those that it
// could not end. Everything below comes to this process in the end, since it is
// a subreaper.
func endAll() []int {
	return pursue(func() (pids []int, none bool) {
		if reapAll() {
			return nil, true
		}
		return descendants(os.Getpid(), processes()), false
	})
}

// Sweep ends all processes of this user, but not this one, that were started
// with the assignment marker ("NAME=value") in their environment. It is for
// serve when it gets a signal: that may mean that init was killed, and then
// nobody knows the descendants any more.
func Sweep(marker string) {
	pursue(func() (pids []int, none bool) {
		pids = markedBy(marker)
		return pids, len(pids) == 0
	})
}

// pursue ends the processes that left finds: SIGTERM, then SIGKILL, until there
// is none. It returns those that it had to give up.
func pursue(left func() (pids []int, none bool)) []int {
	begun := time.Now()
	asked := map[int]bool{}
	for {
		pids, none := left()
		waited := time.Since(begun)
		if none || waited > patience {
			return pids
		}
		for _, pid := range pids {
			switch {
			case waited > grace:
				syscall.Kill(pid, syscall.SIGKILL)
			case !asked[pid]:
				asked[pid] = true
				syscall.Kill(pid, syscall.SIGTERM)
			}
		}
		time.Sleep(pace)
	}
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
