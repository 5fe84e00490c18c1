package sshd

import (
	"fmt"
	"os"
	"sync"
	"syscall"
	"time"
)

// What each thing may hold of the server's file descriptors while it is open.
// What it needs for a moment more, as all ends of a command's pipes, comes from
// the spare ones.
const (
	sessionDescriptors = 5 // three pipes or a terminal, the process, the socket of a display
	socketDescriptors  = 1 // of a connection, a forward, or one that listens
	spareDescriptors   = 128
)

// lookInterval is how long what was seen open counts, where it was less than
// half of the limit: to look costs as much as to open a small file.
const lookInterval = 100 * time.Millisecond

// descriptors keeps the server below its limit of open files (RLIMIT_NOFILE in
// getrlimit(2)). All sessions share it: beyond it nobody could start a command
// or connect, and none would be told why.
type descriptors struct {
	mu     sync.Mutex
	taken  int
	seen   uint64 // open files at the time looked
	looked time.Time
}

// take sets n descriptors aside until they are given back. When few are left it
// does not, and says so in words for the user.
func (d *descriptors) take(n int) (refusal string) {
	d.mu.Lock()
	defer d.mu.Unlock()
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		return ""
	}
	spare := min(spareDescriptors, limit.Cur/4)
	// Open now may be less than taken, for commands still to come, or more, by
	// sftp's files.
	if time.Since(d.looked) > lookInterval || d.seen+spare > limit.Cur/2 {
		d.seen, d.looked = openFiles(), time.Now()
	}
	if used := max(uint64(d.taken), d.seen); used+uint64(n)+spare > limit.Cur {
		return fmt.Sprintf("the job's server may open %d files, which all its sessions and forwards share, and few are left; close some and try again", limit.Cur)
	}
	d.taken += n
	d.seen += uint64(n) // until the next look
	return ""
}

func (d *descriptors) give(n int) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.taken -= n
}

// openFiles is how many descriptors this process has. Where it has none left to
// find out, that is more than any limit.
func openFiles() uint64 {
	dir, err := os.Open("/proc/self/fd")
	if os.IsNotExist(err) {
		return 0
	}
	if err != nil {
		return 1 << 32
	}
	defer dir.Close()
	names, err := dir.Readdirnames(-1)
	if err != nil {
		return 0
	}
	return uint64(len(names) - 1) // without dir itself
}
