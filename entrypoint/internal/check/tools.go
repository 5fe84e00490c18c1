package check

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"perch/entrypoint/internal/login"
)

// tools are what the start-up scripts and servers of VS Code's Remote-SSH and
// of open-remote-ssh call, with what to do without, where there is something.
var tools = []struct{ name, instead string }{
	{"bash", ""}, {"tar", ""}, {"uname", ""}, {"sed", ""}, {"grep", ""}, {"wc", ""}, {"ps", "procps"}, {"getconf", ""},
	{"printenv", ""}, {"mkdir", ""}, {"ln", ""}, {"flock", "or set remote.SSH.useFlock to false"}, {"base64", ""}, {"sleep", ""},
}

// missing are the tools that the account's PATH does not lead to.
func missing(account login.Account) []string {
	dirs := filepath.SplitList(login.Vars(account.Environ(nil))["PATH"])
	absent := []string{}
	for _, tool := range tools {
		if !has(dirs, tool.name) {
			absent = append(absent, tool.name)
		}
	}
	if !has(dirs, "curl") && !has(dirs, "wget") {
		absent = append(absent, "curl or wget")
	}
	return absent
}

func has(dirs []string, tool string) bool {
	for _, dir := range dirs {
		path := filepath.Join(dir, tool)
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() && unix.Access(path, unix.X_OK) == nil {
			return true
		}
	}
	return false
}

// advice names the missing tools, with what to do about each.
func advice(missing []string) string {
	words := []string{}
	for _, name := range missing {
		for _, tool := range tools {
			if tool.name == name && tool.instead != "" {
				name = fmt.Sprintf("%s (%s)", name, tool.instead)
			}
		}
		words = append(words, name)
	}
	return strings.Join(words, ", ")
}
