// Package login says as whom, with which shell, and in which environment the
// commands of a session run.
package login

import (
	"os"
	"path/filepath"
	"strconv"

	"golang.org/x/sys/unix"

	"perch/entrypoint/internal/home"
)

// Account is who a session's commands run as.
type Account struct {
	// Name is the user's name. Known says whether /etc/passwd has an entry
	// for the uid; where it has none, Name is made up.
	Name  string
	Known bool
	// Shell is the absolute path of the shell, or "" where the image has none.
	Shell string
	// Home, Tmp and Runtime are the directories of the job home.
	Home, Tmp, Runtime string
	// Job is the environment that the job was started with, Place what the
	// preparation of the job home has put over it.
	Job   []string
	Place map[string]string
	// Profile is what the image's profile changes for commands; nil is nothing.
	Profile *Profile
}

// Find looks up the account of this process in the job's environment.
func Find(place *home.Place, environ []string) Account {
	vars := Vars(environ)
	entry, known := ownEntry()
	return Account{
		Name:    name(entry, vars),
		Known:   known,
		Shell:   shell(vars["SHELL"], entry.Shell, vars["PATH"]),
		Home:    place.Home,
		Tmp:     place.Tmp,
		Runtime: place.Runtime,
		Job:     environ,
		Place:   place.Environ,
	}
}

func ownEntry() (Entry, bool) {
	passwd, err := os.Open("/etc/passwd")
	if err != nil {
		return Entry{}, false
	}
	defer passwd.Close()
	return FindEntry(passwd, os.Getuid())
}

func name(entry Entry, vars map[string]string) string {
	for _, name := range []string{entry.Name, vars["USER"], vars["LOGNAME"]} {
		if name != "" {
			return name
		}
	}
	return "uid" + strconv.Itoa(os.Getuid())
}

// shell returns the user's shell if the image has it, else bash, else sh, else
// "". The job's own SHELL goes before the passwd entry: under Apptainer that
// one speaks of the worker, and in many images there is none.
func shell(own, entry, path string) string {
	for _, shell := range []string{own, entry} {
		if filepath.IsAbs(shell) && isShell(shell) {
			return shell
		}
	}
	if path == "" {
		path = defaultPath
	}
	for _, name := range []string{"bash", "sh"} {
		for _, dir := range append(filepath.SplitList(path), filepath.SplitList(defaultPath)...) {
			if shell := filepath.Join(dir, name); filepath.IsAbs(shell) && isShell(shell) {
				return shell
			}
		}
	}
	return ""
}

// isShell says whether path can be run and is not one of the programs that
// stand in passwd for accounts without a shell.
func isShell(path string) bool {
	switch filepath.Base(path) {
	case "nologin", "false", "true":
		return false
	}
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && unix.Access(path, unix.X_OK) == nil
}
