package login

import (
	"os"
	"path/filepath"
	"strings"
)

// fallback is the locale that a C library needs no file for (glibc from 2.35,
// Debian's and Fedora's long before; musl knows no other).
const fallback = "C.UTF-8"

// localeVariables are those that setlocale(3) reads.
var localeVariables = []string{
	"LC_ALL", "LC_CTYPE", "LC_NUMERIC", "LC_TIME", "LC_COLLATE", "LC_MONETARY", "LC_MESSAGES",
	"LC_PAPER", "LC_NAME", "LC_ADDRESS", "LC_TELEPHONE", "LC_MEASUREMENT", "LC_IDENTIFICATION",
}

// mendLocale sets LANG where there is none, and replaces locales that the image
// does not have: clients send theirs, and many programs then complain in every
// call. exists says whether the image has a locale.
func mendLocale(vars map[string]string, exists func(name string) bool) {
	for _, name := range localeVariables {
		if value := vars[name]; value != "" && !exists(value) {
			delete(vars, name)
		}
	}
	if value := vars["LANG"]; value == "" || !exists(value) {
		vars["LANG"] = fallback
	}
}

// MissingLocales are the job's own settings of locales that the image lacks,
// which sessions do not get.
func (a Account) MissingLocales() (missing []string) {
	vars := Vars(a.Job)
	for _, name := range append([]string{"LANG"}, localeVariables...) {
		if value := vars[name]; value != "" && !hasLocale(value) {
			missing = append(missing, name+"="+value)
		}
	}
	return missing
}

// hasLocale says whether this image has a locale, by the directories of glibc:
// one for each, or one archive for all, in which names stand as they are.
func hasLocale(name string) bool {
	switch strings.ToLower(name) {
	case "c", "posix", "c.utf-8", "c.utf8":
		return true
	}
	if strings.ContainsAny(name, "/\x00") {
		return false
	}
	for _, form := range []string{name, normalized(name)} {
		if _, err := os.Stat(filepath.Join("/usr/lib/locale", form, "LC_CTYPE")); err == nil {
			return true
		}
	}
	archive, err := os.Open("/usr/lib/locale/locale-archive")
	if err != nil {
		return false
	}
	defer archive.Close()
	return archiveHas(archive, normalized(name))
}

// normalized writes the codeset as glibc does in names of files: small letters
// and digits alone.
func normalized(name string) string {
	language, rest, found := strings.Cut(name, ".")
	if !found {
		return name
	}
	codeset, modifier, modified := strings.Cut(rest, "@")
	plain := strings.Map(func(r rune) rune {
		if 'a' <= r && r <= 'z' || '0' <= r && r <= '9' {
			return r
		}
		return -1
	}, strings.ToLower(codeset))
	if modified {
		return language + "." + plain + "@" + modifier
	}
	return language + "." + plain
}
