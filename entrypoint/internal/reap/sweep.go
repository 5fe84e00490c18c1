package reap

import (
	"bytes"
	"os"
	"strconv"
	"syscall"
	"time"
)

// Sweep kills all processes of this user, but not this one, that were started
// with the assignment marker ("NAME=value") in their environment, and says how
// many it found. It is for the one case in which nobody knows the descendants
// any more: init was killed and its orphans have gone elsewhere.
func Sweep(marker string) int {
	begun := time.Now()
	swept := map[int]bool{}
	for time.Since(begun) < patience {
		marked := markedBy(marker)
		if len(marked) == 0 {
			break
		}
		for _, pid := range marked {
			swept[pid] = true
		}
		signalEach(marked, syscall.SIGKILL)
		time.Sleep(pace)
	}
	return len(swept)
}

// markedBy finds the processes with marker in their environment; those of other
// users cannot be read, and zombies have none.
func markedBy(marker string) []int {
	var marked []int
	for _, pid := range pids() {
		if pid == os.Getpid() {
			continue
		}
		environ, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/environ")
		if err == nil && bytes.Contains(append([]byte{0}, environ...), []byte("\x00"+marker+"\x00")) {
			marked = append(marked, pid)
		}
	}
	return marked
}
