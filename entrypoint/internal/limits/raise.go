package limits

import (
	"strconv"
	"syscall"

	"golang.org/x/sys/unix"

	"perch/entrypoint/internal/finding"
)

const (
	// mostFiles is what the limit of open files is at most. Containers are
	// started with limits of 10^9, and programs that close all files that they
	// might have then take minutes.
	mostFiles = 1 << 20
	// An IDE's server with its extensions, and a build beside it, open some
	// thousand files and start some hundred processes and threads.
	wantedFiles     = 4096
	wantedProcesses = 1024
)

// Raise raises this process's limits of files and processes to the hard ones, that
// of files to mostFiles at most, for itself and for all that it starts: Go's
// runtime gives children the old limit of files otherwise (see origRlimitNofile in
// package syscall).
func Raise() (found finding.List) {
	raise(&found, "few open files", "open files", unix.RLIMIT_NOFILE, mostFiles, wantedFiles)
	raise(&found, "few processes", "processes", unix.RLIMIT_NPROC, unix.RLIM_INFINITY, wantedProcesses)
	return found
}

func raise(found *finding.List, what, of string, resource int, most, wanted uint64) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(resource, &limit); err != nil {
		return
	}
	was := limit.Cur
	limit.Cur = min(limit.Max, most)
	if err := syscall.Setrlimit(resource, &limit); err != nil {
		found.Add(what, finding.Said, "the limit of %d %s cannot be set: %v; ask the site", was, of, err)
		return
	}
	// From what, Go hides: it has raised that of files itself.
	if was < limit.Cur {
		raised := strconv.FormatUint(limit.Cur, 10)
		if limit.Cur == unix.RLIM_INFINITY {
			raised = "unlimited"
		}
		found.Add("low soft limits", finding.Mended, "the soft limit of %s was raised to %s", of, raised)
	}
	if limit.Cur < wanted {
		found.Add(what, finding.Said, "only %d %s are allowed, an IDE may want %d; ask the site for a higher hard limit", limit.Cur, of, wanted)
	}
}
