package libc

import (
	"strings"

	"perch/entrypoint/internal/finding"
)

// Problems says what an IDE's server will miss of the libraries at root.
func Problems(root string) (found finding.List) {
	name := Name(root)
	switch old := tooOldFor(root); {
	case name == "":
		found.Add("no C library", finding.Said, "no C library found; only static programs run here; use an image with glibc for an IDE")
	case strings.HasPrefix(name, "musl"):
		found.Add("no C library", finding.Said, "the image has musl; VS Code does not support Remote-SSH to it; use an image with glibc")
	case old != "":
		found.Add(What, finding.Said, "%s; use a newer image, or name a sysroot by +PerchSysroot", old)
	case Cxx(root) < 0:
		found.Add(What, finding.Said, "the image has no libstdc++, which VS Code's server needs; put it in (libstdc++6, libstdc++)")
	}
	return found
}
