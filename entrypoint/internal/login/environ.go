package login

import (
	"maps"
	"slices"
	"strings"
)

// defaultPath is PATH where the job has none.
const defaultPath = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// Vars turns assignments "NAME=value" into a map; of two the last counts, and
// what is no assignment is left out.
func Vars(environ []string) map[string]string {
	vars := make(map[string]string, len(environ))
	for _, assignment := range environ {
		if name, value, ok := strings.Cut(assignment, "="); ok && name != "" {
			vars[name] = value
		}
	}
	return vars
}

// Environ returns the environment of a session's commands: that of its shells,
// and what the image's profile changes.
func (a Account) Environ(requested map[string]string) []string {
	return a.environ(a.Profile.changed(), requested)
}

// environ returns the environment of a session: the job's, without what Apptainer
// sets for its own shell, with what the image's profile changes, with the
// client's requests, and with what Perch knows better than all of them.
func (a Account) environ(profile, requested map[string]string) []string {
	vars := Vars(a.Job)
	for _, name := range foreign {
		delete(vars, name)
	}
	if vars["PATH"] == "" {
		vars["PATH"] = defaultPath
	}
	maps.Copy(vars, a.Place)
	maps.Copy(vars, profile)
	maps.Copy(vars, requested)
	vars["HOME"] = a.Home
	vars["USER"] = a.Name
	vars["LOGNAME"] = a.Name
	vars["TMPDIR"] = a.Tmp
	vars["XDG_RUNTIME_DIR"] = a.Runtime
	if a.Shell != "" {
		vars["SHELL"] = a.Shell
	}
	mendLocale(vars, hasLocale)
	return assignments(vars)
}

// foreign are variables that speak of another place where the job has them:
// of Apptainer's own shell, or of the session on the submit host whose
// environment was copied (getenv = True in a submit description).
var foreign = []string{
	"PS1", "PROMPT_COMMAND", "SSH_AUTH_SOCK", "SSH_AGENT_PID", "SSH_TTY", "SSH_CLIENT", "SSH_CONNECTION",
	"DISPLAY", "XAUTHORITY", "TERM", "TERMCAP", "TMUX", "STY", "DBUS_SESSION_BUS_ADDRESS",
	"PWD", "OLDPWD", "SHLVL", "_", "VSCODE_IPC_HOOK_CLI",
}

func assignments(vars map[string]string) []string {
	environ := make([]string, 0, len(vars))
	for _, name := range slices.Sorted(maps.Keys(vars)) {
		environ = append(environ, name+"="+vars[name])
	}
	return environ
}

// refused are names that a client may not set: Perch sets them, or they make
// every shell run something.
var refused = map[string]bool{
	"HOME": true, "USER": true, "LOGNAME": true, "SHELL": true, "PATH": true,
	"TMPDIR": true, "XDG_RUNTIME_DIR": true, "SSH_AUTH_SOCK": true, "SSH_TTY": true,
	"BASH_ENV": true, "ENV": true, "SHELLOPTS": true, "BASHOPTS": true, "IFS": true,
	"PS1": true, "PROMPT_COMMAND": true,
}

// refusedPrefixes do the same for families of names: the dynamic linker's, the
// job's own, exported functions.
var refusedPrefixes = []string{"LD_", "_CONDOR_", "APPTAINER", "SINGULARITY", "BASH_FUNC"}

// Acceptable says whether a client may set a variable of this name to this
// value (the counterpart of AcceptEnv in sshd_config(5)).
func Acceptable(name, value string) bool {
	if !isName(name) || refused[name] || strings.IndexByte(value, 0) >= 0 {
		return false
	}
	return !slices.ContainsFunc(refusedPrefixes, func(prefix string) bool {
		return strings.HasPrefix(name, prefix)
	})
}

// isName says whether name is one that shells take (POSIX, 3.216).
func isName(name string) bool {
	for i, c := range []byte(name) {
		letter := c == '_' || 'A' <= c && c <= 'Z' || 'a' <= c && c <= 'z'
		if !letter && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return name != "" && len(name) <= 256
}
