package home

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"perch/entrypoint/internal/finding"
)

// KeepEnviron has login shells keep parts of PATH that the image's /etc/profile
// drops, and variables that it changes, by a .profile in the job home. One of the
// user's own, or a home that is not the job's alone, is left as it is. Shell is the
// user's. Call it before a login shell starts.
func (p *Place) KeepEnviron(shell string, parts []string, vars map[string]string) {
	var what, lost []string
	if len(parts) > 0 {
		what, lost = append(what, "PATH dropped"), append(lost, strings.Join(parts, ":")+" from PATH")
	}
	if len(vars) > 0 {
		what, lost = append(what, "variables changed"), append(lost, "the job's own "+strings.Join(slices.Sorted(maps.Keys(vars)), ", "))
	}
	if len(what) == 0 || !p.ours {
		return
	}
	defer p.record()
	if filepath.Base(shell) == "zsh" {
		for i := range what {
			p.Found.Add(what[i], finding.Said, "/etc/zsh takes %s away in login shells; put it back in ~/.zprofile", lost[i])
		}
		return
	}
	for _, name := range []string{".bash_profile", ".bash_login", ".profile"} {
		if _, err := os.Lstat(filepath.Join(p.Home, name)); !errors.Is(err, os.ErrNotExist) {
			return
		}
	}
	err := renameio.WriteFile(filepath.Join(p.Home, ".profile"), []byte(profile(parts, vars)), 0o644)
	for i := range what {
		if err != nil {
			p.Found.Add(what[i], finding.Said, "/etc/profile takes %s away in login shells, and .profile, which would put it back, cannot be written: %v; make room, or set it yourself", lost[i], err)
		} else {
			p.Found.Add(what[i], finding.Mended, "/etc/profile takes %s away: .profile puts it back", lost[i])
		}
	}
}

// profile is a script for sh, bash and ksh (POSIX, 2.5.3).
func profile(parts []string, vars map[string]string) string {
	var b strings.Builder
	b.WriteString("# Written by perch: /etc/profile takes this away, which the job knows better.\n")
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		b.WriteString("export " + name + "=" + quoted(vars[name]) + "\n")
	}
	if len(parts) == 0 {
		return b.String()
	}
	b.WriteString("for perch_dir in")
	for _, part := range slices.Backward(parts) { // the last one comes to the front
		b.WriteString(" " + quoted(part))
	}
	b.WriteString("; do\n\tcase \":$PATH:\" in\n\t*:\"$perch_dir\":*) ;;\n\t*) PATH=$perch_dir:$PATH ;;\n\tesac\ndone\nunset perch_dir\nexport PATH\n")
	return b.String()
}

func quoted(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
