package home

import (
	"errors"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"

	"perch/entrypoint/internal/finding"
)

// KeepPath has login shells keep parts of PATH that the image's /etc/profile
// drops, by a .profile in the job home. One of the user's own, or a home that is
// not the job's alone, is left as it is. Shell is the user's. Call it before a
// login shell starts.
func (p *Place) KeepPath(shell string, parts []string) {
	if len(parts) == 0 || !p.ours {
		return
	}
	defer p.record()
	if filepath.Base(shell) == "zsh" {
		p.Found.Add("PATH dropped", finding.Said, "/etc/zsh drops %s from PATH in login shells; put it back in ~/.zprofile", strings.Join(parts, ":"))
		return
	}
	for _, name := range []string{".bash_profile", ".bash_login", ".profile"} {
		if _, err := os.Lstat(filepath.Join(p.Home, name)); !errors.Is(err, os.ErrNotExist) {
			return
		}
	}
	err := renameio.WriteFile(filepath.Join(p.Home, ".profile"), []byte(profile(parts)), 0o644)
	if err != nil {
		p.Found.Add("PATH dropped", finding.Said, "a login shell has no %s in PATH, and .profile cannot be written: %v", strings.Join(parts, ":"), err)
	} else {
		p.Found.Add("PATH dropped", finding.Mended, "/etc/profile drops %s from PATH: .profile puts it back", strings.Join(parts, ":"))
	}
}

// profile is a script for sh, bash and ksh (POSIX, 2.5.3).
func profile(parts []string) string {
	var b strings.Builder
	b.WriteString("# Written by perch: /etc/profile drops these parts of the image's own PATH.\nfor perch_dir in")
	for i := range parts { // the last one comes to the front
		b.WriteString(" '" + strings.ReplaceAll(parts[len(parts)-1-i], "'", `'\''`) + "'")
	}
	b.WriteString("; do\n\tcase \":$PATH:\" in\n\t*:\"$perch_dir\":*) ;;\n\t*) PATH=$perch_dir:$PATH ;;\n\tesac\ndone\nunset perch_dir\nexport PATH\n")
	return b.String()
}
