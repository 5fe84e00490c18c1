// Package stockssh works out the command line of the stock ssh for a job, and
// the ssh_config file that makes any stock client reach it. Perch never speaks
// SSH itself: it becomes this ssh.
package stockssh

import (
	"strings"

	"perch/shim/internal/sshargs"
)

// Target is what stock ssh must know of a job. All files are absolute paths.
type Target struct {
	// Alias is the host name that ssh is given: letters, digits, ".", "_" and
	// "-" alone, since OpenSSH 9.6 and later refuse much else.
	Alias string
	// HostKeyAlias is the job's name in KnownHosts.
	HostKeyAlias string
	// ConfigFile is the file that holds Config().
	ConfigFile string
	// IdentityFile is the user's private key for this job.
	IdentityFile string
	// KnownHosts is the file with the job's host key.
	KnownHosts string
	// ProxyCommand is the program, and its arguments, that passes a connected
	// socket on to ssh (ssh_config(5), ProxyUseFdpass).
	ProxyCommand []string
}

// setting is one line of ssh_config(5), the value with its quotes.
type setting struct{ name, value string }

// settings are those without which ssh would not reach this job, or would
// trust somebody else. ssh takes the first value that it sees, so ProxyCommand
// stands before anything that could bring a ProxyJump.
func (t Target) settings() []setting {
	return []setting{
		{"ProxyCommand", ProxyValue(t.ProxyCommand)},
		{"ProxyUseFdpass", "yes"},
		{"ControlMaster", "no"},
		{"ControlPath", "none"},
		{"CanonicalizeHostname", "no"},

		{"UserKnownHostsFile", pathValue(t.KnownHosts)},
		{"GlobalKnownHostsFile", "/dev/null"},
		{"HostKeyAlias", t.HostKeyAlias},
		{"HostKeyAlgorithms", "ssh-ed25519"},
		{"StrictHostKeyChecking", "yes"},
		{"CheckHostIP", "no"},
		{"UpdateHostKeys", "no"},
		{"VerifyHostKeyDNS", "no"},

		// IdentitiesOnly keeps the keys of the user's agent out of the job's
		// sight. IdentityAgent=none would, too, but ssh then has no agent
		// that it could forward.
		{"IdentityFile", pathValue(t.IdentityFile)},
		{"IdentitiesOnly", "yes"},
		{"PubkeyAuthentication", "yes"},
		{"PreferredAuthentications", "publickey"},
		{"AddKeysToAgent", "no"},
	}
}

// defaults are what a caller may override. AES-GCM is the fastest cipher that
// both sides know; the list names only ciphers that a FIPS build has, too,
// because ssh refuses a list with an unknown name.
var defaults = []setting{
	{"Ciphers", "aes128-gcm@openssh.com,aes256-gcm@openssh.com,aes128-ctr,aes192-ctr,aes256-ctr"},
	{"ServerAliveInterval", "30"},
	{"ServerAliveCountMax", "4"},
}

// Argv is the command line, argv[0] included, with which the caller of
// perch-ssh gets into the job: Perch's options, those of the caller's that do
// not contradict them (docs/ssh-options.md), the job's alias, and the command
// as it was. An error means that a path or a name cannot be told to ssh.
func (t Target) Argv(ssh string, line sshargs.Line) ([]string, error) {
	if err := t.check(); err != nil {
		return nil, err
	}
	argv := []string{ssh, "-F", t.ConfigFile}
	for _, s := range t.settings() {
		argv = append(argv, "-o", s.name+"="+s.value)
	}
	theirs := sshargs.Line{Destination: t.Alias, Command: line.Command}
	for _, o := range line.Options() {
		if Keeps(o) {
			theirs.Before = append(theirs.Before, o)
		}
	}
	return append(argv, theirs.Args()...), nil
}

// Config is an ssh_config(5) file with which "ssh -F FILE ALIAS", scp, sftp
// and whatever else runs the stock ssh reach the job.
func (t Target) Config() (string, error) {
	if err := t.check(); err != nil {
		return "", err
	}
	var b strings.Builder
	b.WriteString("# Written by perch, which overwrites it. Try: ssh -F THIS-FILE " + t.Alias + "\nHost *\n")
	for _, s := range append(t.settings(), defaults...) {
		b.WriteString("    " + s.name + " " + s.value + "\n")
	}
	return b.String(), nil
}
