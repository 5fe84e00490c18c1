package limits

import (
	"os"
	"strconv"
	"strings"

	"perch/entrypoint/internal/finding"
)

const (
	// wantedWatches is what a middling source tree takes; each directory that
	// an IDE watches is one. VS Code's documentation asks for 524288.
	wantedWatches = 65536
	// wantedInstances: every window and every language server has one or more.
	wantedInstances = 128
)

// Inotify says what of inotify(7) is too little for an IDE. It cannot be raised
// from within a job: the limits belong to the machine, or to the user
// namespace, of whose two the lower one counts.
func Inotify() (found finding.List) {
	for _, limit := range []struct {
		name, of, errno, instead string
		wanted                   int64
	}{
		{"watches", "watches for changed files", "ENOSPC", "set files.watcherExclude", wantedWatches},
		{"instances", "watchers of files", "EMFILE", "close windows", wantedInstances},
	} {
		if n, known := lower("/proc/sys/fs/inotify/max_user_"+limit.name, "/proc/sys/user/max_inotify_"+limit.name); known && n < limit.wanted {
			found.Add("few inotify "+limit.name, finding.Said,
				"the machine allows a user %d %s, an IDE may want %d and then show changes late or say %s; ask the site to raise fs.inotify.max_user_%s, or %s",
				n, limit.of, limit.wanted, limit.errno, limit.name, limit.instead)
		}
	}
	return found
}

// lower is the lowest number in files, of those that have one.
func lower(files ...string) (lowest int64, known bool) {
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue
		}
		n, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
		if err == nil && (!known || n < lowest) {
			lowest, known = n, true
		}
	}
	return lowest, known
}
