package target

import (
	"fmt"
	"path/filepath"

	"github.com/google/renameio/v2"

	"perch/shim/internal/stockssh"
)

// ProxyFlag is the first argument of perch-ssh when the stock ssh runs it as
// its ProxyCommand. No ssh takes an option of two dashes.
const ProxyFlag = "--proxy"

// SSH is what the stock ssh must know of the target. perchSSH is the path of
// perch-ssh, which hands the connected socket to ssh.
func (t Target) SSH(perchSSH string) stockssh.Target {
	return stockssh.Target{
		Alias:        t.Alias(),
		HostKeyAlias: t.HostKeyAlias(),
		ConfigFile:   t.ConfigPath(),
		IdentityFile: t.IdentityPath(),
		KnownHosts:   t.KnownHostsPath(),
		ProxyCommand: []string{perchSSH, ProxyFlag, t.JDL},
	}
}

// WriteConfig writes the ssh_config file with which every stock client reaches
// the target.
func (t Target) WriteConfig(perchSSH string) error {
	text, err := t.SSH(perchSSH).Config()
	if err != nil {
		return fmt.Errorf("working out ssh's configuration: %w", err)
	}
	if err := renameio.WriteFile(t.ConfigPath(), []byte(text), 0o600); err != nil {
		return fmt.Errorf("writing ssh's configuration: %w; free some space and try again", err)
	}
	return nil
}

// ConfigPath is the ssh_config file's path.
func (t Target) ConfigPath() string { return filepath.Join(t.State, ConfigName) }

// IdentityPath is the path of the user's private key.
func (t Target) IdentityPath() string { return filepath.Join(t.State, "key") }

// LogPath is the user log's path, unless the submit description names one.
func (t Target) LogPath() string { return filepath.Join(t.State, LogName) }

// KnownHostsPath is the file with the host key that the target's jobs have.
func (t Target) KnownHostsPath() string { return filepath.Join(t.State, "known_hosts") }
