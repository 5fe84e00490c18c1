package stockssh

import (
	"fmt"
	"path/filepath"
	"strings"
)

const alphanumeric = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"

// only says whether s consists of some of the characters in set.
func only(s, set string) bool { return s != "" && strings.Trim(s, set) == "" }

// check finds what cannot be written into ssh's options and so would mean
// something else there.
func (t Target) check() error {
	for _, name := range []string{t.Alias, t.HostKeyAlias} {
		if !only(name, alphanumeric+"._-") || !only(name[:1], alphanumeric) {
			return fmt.Errorf("%q cannot be a host name for ssh; use letters, digits, \".\", \"_\" and \"-\"", name)
		}
	}
	for _, path := range []string{t.ConfigFile, t.IdentityFile, t.KnownHosts} {
		// ssh expands ${NAME} in paths, and has no way to write it otherwise.
		if !filepath.IsAbs(path) || hasControl(path) || strings.Contains(path, "${") {
			return fmt.Errorf("ssh cannot take %q as the name of a file; choose another directory for perch's files", path)
		}
	}
	if len(t.ProxyCommand) == 0 {
		return fmt.Errorf("%s has no proxy command", t.Alias)
	}
	for _, word := range t.ProxyCommand {
		if hasControl(word) {
			return fmt.Errorf("ssh cannot run a command with %q in it; give the file another name", word)
		}
	}
	return nil
}

func hasControl(s string) bool {
	return strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// pathValue is a path as a value in ssh_config(5): in double quotes, where
// argv_split of OpenSSH's misc.c knows \" and \\, and with the percent signs
// doubled for what ssh_config(5) calls TOKENS.
func pathValue(path string) string {
	return `"` + percents(strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(path)) + `"`
}

func percents(s string) string { return strings.ReplaceAll(s, "%", "%%") }

// shellWords writes words so that $SHELL -c, by which ssh runs a ProxyCommand,
// reads the same words again, be it a Bourne shell, csh or fish. ssh itself
// wants the quotes balanced by its own rules, which know \' inside of single
// quotes: so no backslash is ever put inside.
func shellWords(words []string) string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return strings.Join(quoted, " ")
}

func shellWord(w string) string {
	if only(w, alphanumeric+"_@%+:,./-") {
		return w
	}
	// ' ends the quoted part anywhere; \ means something in fish's, and ! in
	// csh's quoted parts.
	outside := strings.NewReplacer(`'`, `'\''`, `\`, `'\\'`, `!`, `'\!'`)
	return `'` + outside.Replace(w) + `'`
}

// ProxyValue is the value of ProxyCommand that runs a program with arguments
// as they are: ssh replaces % and hands the rest to the user's shell.
func ProxyValue(command []string) string { return percents(shellWords(command)) }
