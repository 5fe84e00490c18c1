package home

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"perch/entrypoint/internal/finding"
)

// KeepPath has login shells keep parts of PATH that the image's /etc/profile
// drops, by a .profile in the job home. One of the user's own, or a home that is
// not the job's alone, is left as it is. Call it before a login shell starts.
func (p *Place) KeepPath(parts []string) {
	if len(parts) == 0 || !p.ours {
		return
	}
	for _, name := range []string{".bash_profile", ".bash_login", ".profile"} {
		if _, err := os.Lstat(filepath.Join(p.Home, name)); !errors.Is(err, os.ErrNotExist) {
			return
		}
	}
	f, err := os.OpenFile(filepath.Join(p.Home, ".profile"), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err == nil {
		_, err = f.WriteString(profile(parts))
		err = errors.Join(err, f.Close())
	}
	if err != nil {
		p.Found.Add("PATH dropped", finding.Said, "a login shell has no %s in PATH, and .profile cannot be written: %v", strings.Join(parts, ":"), err)
	} else {
		p.Found.Add("PATH dropped", finding.Mended, "/etc/profile drops %s from PATH: .profile puts it back", strings.Join(parts, ":"))
	}
	p.record()
}

// profile is a script for sh, bash and ksh (POSIX, 2.5.3).
func profile(parts []string) string {
	var b strings.Builder
	b.WriteString("# Written by perch: /etc/profile drops these parts of the image's own PATH.\nfor dir in")
	for i := range parts { // the last one comes to the front
		b.WriteString(" '" + strings.ReplaceAll(parts[len(parts)-1-i], "'", `'\''`) + "'")
	}
	b.WriteString("; do\n\tcase \":$PATH:\" in\n\t*:\"$dir\":*) ;;\n\t*) PATH=$dir:$PATH ;;\n\tesac\ndone\nunset dir\nexport PATH\n")
	return b.String()
}
