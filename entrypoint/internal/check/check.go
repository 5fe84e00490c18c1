// Package check says what a place offers to a session: what the IDE needs and
// would otherwise trip over, and what was done about it.
package check

import (
	"encoding/json"
	"fmt"
	"io"
	"os"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/home"
	"perch/entrypoint/internal/libc"
	"perch/entrypoint/internal/limits"
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
	Shell    string        `json:"shell"`
	Libc     string        `json:"libc"`
	Terminal bool          `json:"terminals"`
	Missing  []string      `json:"missing_tools"`
	Limits   limits.Limits `json:"limits"`
	// Found is what is odd here, with what was done about it at the job's start.
	Found finding.List `json:"findings"`
	// Problems are the texts of those about which nothing could be done.
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
	place := &home.Place{Home: root, Dir: home.DirIn(root)}
	r := look(place, login.Find(place, os.Environ()), getenv(contract.EnvMachineAd))
	r.take(place.Recorded())
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

// Problems returns what is not as an IDE needs it, one line each, beyond what
// home.Prepare has found already. serve calls it at the job's start.
func Problems(place *home.Place, account login.Account) []string {
	r := look(place, account, "")
	r.take(place.Found)
	var texts []string
	for _, f := range r.Found[len(place.Found):] {
		texts = append(texts, f.Text)
	}
	return texts
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
	r.Libc = libc.Name("/")
	r.Terminal = unix.Access("/dev/ptmx", unix.R_OK|unix.W_OK) == nil
	r.Missing = missing(account)
	r.Limits = limits.Read(machineAd)
	r.Found = append(r.oddities(), limits.Inotify()...)
	r.Found = append(r.Found, libc.Problems("/")...)
	return r
}

// take puts what was found at the job's start before what look has found; where
// both speak of one thing, the former knows what was done.
func (r *Report) take(done finding.List) {
	known := map[string]bool{}
	for _, f := range done {
		known[f.What] = true
	}
	all := append(finding.List{}, done...)
	for _, f := range r.Found {
		if !known[f.What] {
			all = append(all, f)
		}
	}
	r.Found, r.Problems = all, []string{}
	for _, f := range all {
		if f.Outcome == finding.Said {
			r.Problems = append(r.Problems, f.Text)
		}
	}
}
