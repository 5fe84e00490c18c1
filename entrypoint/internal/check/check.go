// Package check says what a place offers to a session: what the IDE needs and
// would otherwise trip over.
package check

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/home"
	"perch/entrypoint/internal/login"
)

// Report is what a place offers. Sizes are in bytes.
type Report struct {
	User struct {
		Name     string `json:"name"`
		UID      int    `json:"uid"`
		GID      int    `json:"gid"`
		InPasswd bool   `json:"in_passwd"`
	} `json:"user"`
	Home struct {
		Path     string `json:"path"`
		Writable bool   `json:"writable"`
		Exec     bool   `json:"exec"`
		Free     uint64 `json:"free_bytes"`
		Inodes   uint64 `json:"free_inodes"`
	} `json:"home"`
	Shell    string   `json:"shell"`
	Libc     string   `json:"libc"`
	Terminal bool     `json:"terminals"`
	Missing  []string `json:"missing_tools"`
	Limits   Limits   `json:"limits"`
	Problems []string `json:"problems"`
}

// Run prints a report about this place, as text or as JSON, and returns the exit
// code: contract.ExitNoHome where there is no home. It changes nothing.
func Run(getenv func(string) string, asJSON bool, stdout, stderr io.Writer) int {
	root, err := home.Find(getenv)
	if err != nil {
		fmt.Fprintf(stderr, "perch-entrypoint: %v\n", err)
		return contract.ExitNoHome
	}
	r := look(&home.Place{Home: root}, login.Find(&home.Place{Home: root}, os.Environ()), getenv(contract.EnvMachineAd))
	if asJSON {
		encoder := json.NewEncoder(stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(r)
	} else {
		_, err = io.WriteString(stdout, r.text())
	}
	if err != nil {
		fmt.Fprintf(stderr, "perch-entrypoint: writing the report: %v\n", err)
		return contract.ExitFailure
	}
	return contract.ExitOK
}

// Problems returns what is not as an IDE needs it, one line each. serve calls it
// at the job's start.
func Problems(place *home.Place, account login.Account) []string {
	return look(place, account, "").Problems
}

// look makes the report.
func look(place *home.Place, account login.Account, machineAd string) Report {
	var r Report
	r.User.Name, r.User.InPasswd = account.Name, account.Known
	r.User.UID, r.User.GID = os.Getuid(), os.Getgid()
	r.Home.Path = place.Home
	r.Home.Writable = unix.Access(place.Home, unix.W_OK|unix.X_OK) == nil
	var fs unix.Statfs_t
	if unix.Statfs(place.Home, &fs) == nil {
		r.Home.Exec = fs.Flags&unix.ST_NOEXEC == 0
		r.Home.Free = fs.Bavail * uint64(fs.Bsize)
		r.Home.Inodes = fs.Ffree
	}
	r.Shell = account.Shell
	r.Libc = libc("/")
	r.Terminal = unix.Access("/dev/ptmx", unix.R_OK|unix.W_OK) == nil
	r.Missing = missing(account)
	r.Limits = limits(machineAd)
	r.Problems = r.problems()
	return r
}

// tools are what the IDE's start-up script and server call (VS Code's Remote-SSH
// and open-remote-ssh).
var tools = []string{
	"bash", "tar", "uname", "sed", "grep", "wc", "ps", "getconf", "printenv", "mkdir", "ln", "flock", "base64", "sleep",
}

func missing(account login.Account) []string {
	dirs := filepath.SplitList(login.Vars(account.Environ(nil))["PATH"])
	absent := []string{}
	for _, tool := range tools {
		if !has(dirs, tool) {
			absent = append(absent, tool)
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
