package home

import (
	"errors"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/google/renameio/v2"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/finding"
)

// profileName is the script in the entrypoint's own directory that login shells read.
const profileName = "profile"

// ownProfile is the .profile in the job home. It is the same in each job, so that a
// home that is brought along tells no job what an earlier one knew.
const ownProfile = "# Written by perch: what /etc/profile takes away and the job knows better.\n" +
	`[ ! -r "$HOME/` + contract.Dir + "/" + profileName + `" ] || . "$HOME/` + contract.Dir + "/" + profileName + "\"\n"

// dropProfile removes what an earlier job has left for login shells.
func (p *Place) dropProfile() { os.Remove(p.Path(profileName)) }

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
	files, reads := []string{".bash_profile", ".bash_login", ".profile"}, "/etc/profile"
	zsh := filepath.Base(shell) == "zsh"
	if zsh {
		reads, files = "/etc/zsh", []string{".zshenv", ".zprofile", ".zlogin"}
	}
	if len(what) == 0 || !p.ours || p.bringsOne(files) {
		return
	}
	defer p.record()
	add := func(outcome finding.Outcome, says string) {
		for i := range what {
			p.Found.Add(what[i], outcome, "%s takes %s away in login shells%s", reads, lost[i], says)
		}
	}
	if zsh {
		add(finding.Said, "; put it back in ~/.zprofile")
		return
	}
	if _, moved := vars["HOME"]; moved {
		add(finding.Said, ", which look for .profile in another HOME; ask the image's maintainer")
		return
	}
	if err := p.writeProfile(parts, vars); err != nil {
		add(finding.Said, ", and what would put it back cannot be written: "+err.Error()+"; set it yourself")
		return
	}
	add(finding.Mended, ": .profile puts it back")
}

// bringsOne says whether the user has one of the files that a login shell reads.
func (p *Place) bringsOne(names []string) bool {
	return slices.ContainsFunc(names, func(name string) bool {
		text, err := os.ReadFile(filepath.Join(p.Home, name))
		return !errors.Is(err, os.ErrNotExist) && string(text) != ownProfile
	})
}

func (p *Place) writeProfile(parts []string, vars map[string]string) error {
	if err := renameio.WriteFile(p.Path(profileName), []byte(profile(parts, vars)), 0o600); err != nil {
		return err
	}
	return renameio.WriteFile(filepath.Join(p.Home, ".profile"), []byte(ownProfile), 0o644)
}

// profile is a script for sh, bash and ksh (POSIX, 2.5.3).
func profile(parts []string, vars map[string]string) string {
	var b strings.Builder
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
