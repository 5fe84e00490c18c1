// Package config reads the settings of a job: attributes of the job's ad, so
// that users set them in the submit description and administrators can cap
// them by a transform.
package config

import (
	"fmt"
	"os"
	"time"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/jobad"
)

// Settings are what a job's ad says to the entrypoint.
type Settings struct {
	// IdleTimeout ends a job to which nobody has been connected for so long;
	// 0 means never (contract.AttrIdleTimeout).
	IdleTimeout time.Duration
	// IdleConnected ends a job whose connections have moved nothing for so
	// long; 0 means never (contract.AttrIdleConnected).
	IdleConnected time.Duration
	// Greeting says whether shells on terminals begin with a few lines about
	// the job (contract.AttrGreeting).
	Greeting bool
	// Name is the target's name for people (contract.AttrName), or "".
	Name string
	// WallTime is how long HTCondor lets the job run from its start on
	// (allowed_execute_duration), as far as the ad says; 0 means that nothing
	// is known.
	WallTime time.Duration
	// Sysroot and IDECache are paths, or "" (contract.AttrSysroot,
	// contract.AttrIDECache).
	Sysroot, IDECache string
}

// Read reads the job ad file that the environment names. Without one the
// defaults hold: the program was started by hand. What cannot be used is left
// at its default and said in notes, one line each.
func Read(getenv func(string) string) (s Settings, notes []string) {
	ad, notes := read(getenv(contract.EnvJobAd))
	take := func(attribute string, fallback int64) time.Duration {
		seconds, note := limit(ad, attribute, fallback)
		if note != "" {
			notes = append(notes, note)
		}
		return time.Duration(seconds) * time.Second
	}
	s.IdleTimeout = take(contract.AttrIdleTimeout, contract.DefaultIdleTimeout)
	s.IdleConnected = take(contract.AttrIdleConnected, 0)
	notes = append(notes, tooShort(contract.AttrIdleTimeout, s.IdleTimeout, "nobody has been connected")...)
	notes = append(notes, tooShort(contract.AttrIdleConnected, s.IdleConnected, "nothing has moved")...)
	if seconds, _, valid := ad.Int("AllowedExecuteDuration"); valid && seconds > 0 {
		s.WallTime = time.Duration(min(seconds, longest)) * time.Second
	}
	s.Name = ad.Text(contract.AttrName)
	greet, set, valid := ad.Bool(contract.AttrGreeting)
	if s.Greeting = greet || !valid; set && !valid {
		notes = append(notes, fmt.Sprintf("+%s is neither True nor False; using True", contract.AttrGreeting))
	}
	s.IDECache = ad.Text(contract.AttrIDECache)
	s.Sysroot = ad.Text(contract.AttrSysroot)
	return s, notes
}

func read(path string) (jobad.Ad, []string) {
	if path == "" {
		return nil, nil
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, []string{fmt.Sprintf("opening the job ad: %v; using the default settings", err)}
	}
	defer f.Close()
	ad, err := jobad.Parse(f)
	if err != nil {
		return ad, []string{fmt.Sprintf("reading the job ad %q: %v", path, err)}
	}
	return ad, nil
}

// comeBack is what VS Code may need to come back after its connection was cut:
// it notices after 20 s, and tries again after 0, 5, 5, 10, 10, 10, 10, 10 and
// 30 s (VS Code, src/vs/platform/remote/common/remoteAgentConnection.ts).
const comeBack = 2 * time.Minute

// tooShort notes that the job may end before an editor is back.
func tooShort(attribute string, idle time.Duration, what string) []string {
	if idle == 0 || idle >= comeBack {
		return nil
	}
	return []string{fmt.Sprintf("the job ends when %s for %v, but an editor that has lost its connection may need %v to come back; set +%s to %d at least",
		what, idle, comeBack, attribute, int(comeBack.Seconds()))}
}

// longest keeps seconds within what a time.Duration holds.
const longest = 10 * 365 * 24 * 3600

func limit(ad jobad.Ad, attribute string, fallback int64) (seconds int64, note string) {
	value, set, valid := ad.Int(attribute)
	switch {
	case !set:
		return fallback, ""
	case !valid || value < 0:
		return fallback, fmt.Sprintf("+%s is no number of seconds; using %d", attribute, fallback)
	}
	return min(value, longest), ""
}
