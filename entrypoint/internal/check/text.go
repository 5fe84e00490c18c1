package check

import (
	"fmt"
	"strconv"
	"strings"
)

// Bounds below which a place is worth a warning: VS Code's server and a few
// extensions take about 1 GB and many small files.
const (
	wantedBytes  = 1 << 30
	wantedInodes = 50_000
)

// problems returns a line for each thing that an IDE will trip over.
func (r Report) problems() []string {
	found := []string{}
	add := func(when bool, format string, args ...any) {
		if when {
			found = append(found, fmt.Sprintf(format, args...))
		}
	}
	add(!r.User.InPasswd, "/etc/passwd has no entry for uid %d; whoami and some tools will complain", r.User.UID)
	add(!r.Home.Writable, "the job home %s cannot be written", r.Home.Path)
	add(!r.Home.Exec, "the job home %s lies on a file system without exec; an IDE's server cannot start there", r.Home.Path)
	add(r.Home.Free < wantedBytes, "the job home has %s free; an IDE's server wants about %s; raise request_disk", size(r.Home.Free), size(wantedBytes))
	// File systems without a fixed number of inodes say 0.
	add(r.Home.Inodes > 0 && r.Home.Inodes < wantedInodes, "the job home has room for %d more files only", r.Home.Inodes)
	add(r.Shell == "", "the image has no shell; commands cannot run")
	add(!r.Terminal, "there is no /dev/ptmx; terminals cannot be opened")
	add(len(r.Missing) > 0, "an IDE will miss in this image: %s", strings.Join(r.Missing, ", "))
	add(tooOld(r.Libc), "%s is older than glibc 2.28, which VS Code's server needs", r.Libc)
	add(strings.HasPrefix(r.Libc, "musl"), "the image has musl; VS Code does not support Remote-SSH to it")
	add(r.Libc == "", "no C library found; only static programs run here")
	return found
}

// text is the report for people.
func (r Report) text() string {
	var b strings.Builder
	line := func(name, format string, args ...any) {
		fmt.Fprintf(&b, "%-9s %s\n", name+":", fmt.Sprintf(format, args...))
	}
	line("user", "%s (uid %d, gid %d)", r.User.Name, r.User.UID, r.User.GID)
	line("home", "%s, %s free", r.Home.Path, size(r.Home.Free))
	line("shell", "%s", orNone(r.Shell))
	line("libc", "%s", orNone(r.Libc))
	line("granted", "%s", r.Limits.text())
	for _, problem := range r.Problems {
		line("problem", "%s", problem)
	}
	return b.String()
}

func orNone(text string) string {
	if text == "" {
		return "none"
	}
	return text
}

func size(bytes uint64) string {
	const unit = 1024
	value := float64(bytes)
	for _, name := range []string{"B", "KiB", "MiB", "GiB"} {
		if value < unit {
			return strconv.FormatFloat(value, 'f', 0, 64) + " " + name
		}
		value /= unit
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " TiB"
}
