package local

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// process is a process for good: its number may come again, but not with the
// same start in the same life of the machine.
type process struct {
	Pid int `json:"pid"`
	// Start is in clock ticks since boot (proc_pid_stat(5), starttime).
	Start uint64 `json:"start"`
	// Boot is the kernel's boot_id.
	Boot string `json:"boot"`
}

// identify returns the process that has the number pid now.
func identify(pid int) (process, error) {
	stat, err := readStat(pid)
	if err != nil {
		return process{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	boot, err := bootID()
	if err != nil {
		return process{}, fmt.Errorf("identifying process %d: %w", pid, err)
	}
	return process{Pid: pid, Start: stat.start, Boot: boot}, nil
}

var bootID = sync.OnceValues(func() (string, error) {
	id, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	return strings.TrimSpace(string(id)), err
})

// alive says whether the process runs.
func (p process) alive() bool {
	if p.Pid <= 0 {
		return false
	}
	now, err := identify(p.Pid)
	return err == nil && now == p
}

// terminate asks the process to end.
func (p process) terminate() error {
	if !p.alive() {
		return nil
	}
	if err := syscall.Kill(p.Pid, syscall.SIGTERM); err != nil && !errors.Is(err, syscall.ESRCH) {
		return err
	}
	return nil
}

type stat struct {
	parent int
	start  uint64
}

var errZombie = errors.New("it has ended")

// readStat reads /proc/PID/stat. The command's name in it may hold any byte, so
// what counts comes behind the last ")". A zombie is an error.
func readStat(pid int) (stat, error) {
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/stat")
	if err != nil {
		return stat{}, err
	}
	return parseStat(string(text))
}

func parseStat(text string) (stat, error) {
	fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
	if len(fields) < 20 {
		return stat{}, errors.New("its stat file is too short")
	}
	if fields[0] == "Z" || fields[0] == "X" {
		return stat{}, errZombie
	}
	parent, errParent := strconv.Atoi(fields[1])
	start, errStart := strconv.ParseUint(fields[19], 10, 64)
	return stat{parent, start}, errors.Join(errParent, errStart)
}

// pids returns the numbers of all processes.
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

// descendants returns all processes below this one.
func descendants() []int {
	children := map[int][]int{}
	for _, pid := range pids() {
		if s, err := readStat(pid); err == nil {
			children[s.parent] = append(children[s.parent], pid)
		}
	}
	var found []int
	for next := []int{os.Getpid()}; len(next) > 0; next = next[1:] {
		found = append(found, children[next[0]]...)
		next = append(next, children[next[0]]...)
	}
	return found
}

// marked returns the processes, but this one, that have the assignment marker
// in the environment that they were started with.
func marked(marker string) []int {
	var found []int
	for _, pid := range pids() {
		if pid == os.Getpid() {
			continue
		}
		if _, err := readStat(pid); err != nil {
			continue
		}
		environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+marker+"\x00")) {
			found = append(found, pid)
		}
	}
	return found
}

const (
	// killPatience is how long to wait for killed processes to be gone. One
	// that hangs in the kernel must not hang us.
	killPatience = 10 * time.Second
	killPace     = 10 * time.Millisecond
)

// killAll kills what find finds, once grace is over, until it finds nothing. It
// says what is left over.
func killAll(find func() []int, grace time.Duration) error {
	begun := time.Now()
	for {
		found := find()
		if len(found) == 0 {
			return nil
		}
		waited := time.Since(begun)
		if waited > grace+killPatience {
			return fmt.Errorf("killing the job: processes %v do not end", found)
		}
		if waited >= grace {
			for _, pid := range found {
				_ = syscall.Kill(pid, syscall.SIGKILL)
			}
		}
		time.Sleep(killPace)
	}
}
