package check

import (
	"perch/entrypoint/internal/finding"
)

// Bounds below which a place is worth a warning: VS Code's server and a few
// extensions take about 1 GB and many small files.
const (
	wantedBytes  = 1 << 30
	wantedInodes = 50_000
)

// oddities returns a finding for each thing that an IDE will trip over.
func (r Report) oddities() (found finding.List) {
	add := func(when bool, what, format string, args ...any) {
		if when {
			found.Add(what, finding.Said, format, args...)
		}
	}
	add(!r.User.InPasswd, "no passwd entry", "/etc/passwd has no entry for uid %d: ssh, scp and whoami refuse to run in this job; put libnss-wrapper into the image, or let the pool map the user", r.User.UID)
	add(!r.Home.Writable, "read-only home", "the job home %s cannot be written; an IDE's server cannot start there; ask the site", r.Home.Path)
	add(!r.Home.Exec, "noexec home", "the job home %s lies on a file system without exec; an IDE's server cannot start there; ask the site", r.Home.Path)
	add(r.Home.Free < wantedBytes, "full disk", "the job home has %s free; an IDE's server wants about %s; delete files, or raise request_disk", finding.Size(r.Home.Free), finding.Size(wantedBytes))
	// File systems without a fixed number of inodes say 0.
	add(r.Home.Inodes > 0 && r.Home.Inodes < wantedInodes, "few inodes", "the job home has room for %d more files only; an IDE's server wants about %d; delete files, or ask the site for more", r.Home.Inodes, wantedInodes)
	add(r.Shell == "", "no shell", "the image has no shell; commands cannot run; use an image with one")
	add(!r.Terminal, "no terminals", "there is no /dev/ptmx; terminals cannot be opened; ask the site to have /dev/pts mounted in jobs")
	add(len(r.Missing) > 0, "missing tools", "an IDE will miss in this image: %s; put them in", advice(r.Missing))
	return found
}
