package stockssh

import (
	"slices"
	"strings"

	"perch/shim/internal/sshargs"
)

// droppedLetters are the caller's options that would contradict Perch's. For
// some of them ssh takes the last value, or adds them up, so that it is not
// enough to say Perch's first. docs/ssh-options.md has the reason for each; a
// test holds it and this together.
const droppedLetters = "FIJMOPSilp"

// droppedSettings are the names of -o that go the same way, in lower case,
// with ssh's older names for them.
var droppedSettings = []string{
	// The way to the job.
	"canonicalizehostname", "hostname", "port", "proxycommand", "proxyjump",
	"proxyusefdpass", "user",
	// The job's host key.
	"checkhostip", "gssapikeyexchange", "hostkeyalgorithms", "hostkeyalias",
	"nohostauthenticationforlocalhost", "stricthostkeychecking",
	"updatehostkeys", "verifyhostkeydns",
	// The user's key.
	"addkeystoagent", "certificatefile", "dsaauthentication", "identitiesonly",
	"identityfile", "identityfile2", "pkcs11provider",
	"preferredauthentications", "pubkeyacceptedalgorithms",
	"pubkeyacceptedkeytypes", "pubkeyauthentication", "smartcarddevice",
}

// Keeps says whether an option of the caller's goes to ssh. What ssh does not
// know is kept, so that ssh itself says so.
func Keeps(o sshargs.Option) bool {
	if strings.IndexByte(droppedLetters, o.Letter) >= 0 {
		return false
	}
	name, _ := o.Setting()
	return !strings.HasPrefix(name, "control") &&
		!strings.Contains(name, "knownhosts") &&
		!slices.Contains(droppedSettings, name)
}
