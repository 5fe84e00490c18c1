package home

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/sockpath"
)

func isErrno(err error, want unix.Errno) bool { return errors.Is(err, want) }

// stale are the files by which VS Code's scripts and servers say that they run,
// below a server's directory. At a job's start nobody does.
var stale = []string{
	"bin/*/vscode-remote-lock.*", "vscode-remote-lock.*", ".*.pid", "cli/servers/*/pid.txt",
	"cli/*.lock", "cli/servers/*.staging", "*.lock",
}

// dropLocks removes the locks and sockets that came with the files of a job
// that is dead.
func (p *Place) dropLocks() {
	dropped := 0
	for _, server := range servers {
		dir := filepath.Join(p.Home, server)
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			continue
		}
		for _, pattern := range stale {
			files, _ := filepath.Glob(filepath.Join(dir, pattern))
			for _, file := range files {
				if os.RemoveAll(file) == nil {
					dropped++
				}
			}
		}
	}
	for _, dir := range []string{p.Tmp, p.Runtime} {
		dropped += dropSockets(dir)
	}
	if dropped > 0 {
		p.Found.Add("locks of the dead", finding.Mended, "removed %d locks and sockets that an earlier job's IDE left", dropped)
	}
}

// dropSockets removes the sockets of VS Code's servers at which nobody listens.
func dropSockets(dir string) (dropped int) {
	files, _ := filepath.Glob(filepath.Join(dir, "vscode-*.sock"))
	for _, file := range files {
		conn, err := sockpath.Dial(file)
		if err == nil {
			conn.Close()
		} else if isErrno(err, unix.ECONNREFUSED) && os.Remove(file) == nil {
			dropped++
		}
	}
	return dropped
}
