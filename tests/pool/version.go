package pool

import "fmt"

// Version is a version of HTCondor that pools are built with.
type Version string

// The versions, by HTCondor's major number: the oldest that Perch supports and
// the newest that Debian has.
const (
	V23 Version = "23"
	V25 Version = "25"
)

// Versions lists all of them, for tests that run in each.
var Versions = []Version{V23, V25}

// suite is the Debian release that has this version of HTCondor.
func (v Version) suite() (string, error) {
	switch v {
	case V23:
		return "trixie", nil
	case V25:
		return "forky", nil
	}
	return "", fmt.Errorf("there is no pool of HTCondor %q; take one of %v", string(v), Versions)
}
