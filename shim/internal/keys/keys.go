// Package keys makes and keeps a target's two SSH keys: the user's, which
// never leaves the state folder, and the job's host key, which travels to the
// job by encrypted file transfer.
package keys

import (
	"bytes"
	"crypto/ed25519"
	"crypto/rand"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/google/renameio/v2"
	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
)

// Names in the state folder, beside those of the files that travel.
const (
	Identity   = "key"
	HostPublic = "host_key.pub"
	KnownHosts = "known_hosts"
)

// Set is what a state folder holds of keys.
type Set struct {
	// HostKey and AuthorizedKeys are the files to send.
	HostKey, AuthorizedKeys string
	// Fingerprint is the host key's, as ssh-keygen -l prints it.
	Fingerprint string
}

// Load reads the fingerprint of the keys in dir. fs.ErrNotExist means that
// there are none, or that one of them is lost.
func Load(dir string) (Set, error) {
	if _, err := os.Stat(filepath.Join(dir, Identity)); err != nil {
		return Set{}, fmt.Errorf("looking for the key: %w", err)
	}
	host, err := loadKey(filepath.Join(dir, contract.HostKeyFile))
	if err != nil {
		return Set{}, err
	}
	return setOf(dir, host), nil
}

func setOf(dir string, host ssh.Signer) Set {
	return Set{
		HostKey:        filepath.Join(dir, contract.HostKeyFile),
		AuthorizedKeys: filepath.Join(dir, contract.AuthorizedKeysFile),
		Fingerprint:    ssh.FingerprintSHA256(host.PublicKey()),
	}
}

// Make completes the keys in dir, a 0700 directory, and writes what is derived
// from them: known_hosts with alias as the host's name, and the authorized
// keys with the lines of the file extra, if that is not "". Keys that are
// there stay; but with the user's key the host's is lost, too, since by that a
// job is known which lets the user's in. The caller holds the target's lock.
func Make(dir, alias, extra string) (Set, error) {
	hostKey := filepath.Join(dir, contract.HostKeyFile)
	if _, err := os.Stat(filepath.Join(dir, Identity)); errors.Is(err, fs.ErrNotExist) {
		if err := os.Remove(hostKey); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return Set{}, fmt.Errorf("removing the host key of a lost key: %w", err)
		}
	}
	user, err := ensure(filepath.Join(dir, Identity))
	if err != nil {
		return Set{}, err
	}
	host, err := ensure(hostKey)
	if err != nil {
		return Set{}, err
	}
	more, err := readExtra(extra)
	if err != nil {
		return Set{}, err
	}
	hostLine := ssh.MarshalAuthorizedKey(host.PublicKey())
	files := map[string][]byte{
		HostPublic:                  hostLine,
		KnownHosts:                  append([]byte(alias+" "), hostLine...),
		contract.AuthorizedKeysFile: append(ssh.MarshalAuthorizedKey(user.PublicKey()), more...),
	}
	for name, data := range files {
		if err := renameio.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			return Set{}, fmt.Errorf("writing %s: %w; free some space and try again", name, err)
		}
	}
	return setOf(dir, host), nil
}

func ensure(path string) (ssh.Signer, error) {
	signer, err := loadKey(path)
	if !errors.Is(err, fs.ErrNotExist) {
		return signer, err
	}
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	block, err := ssh.MarshalPrivateKey(private, "perch")
	if err != nil {
		return nil, fmt.Errorf("making a key: %w", err)
	}
	if err := renameio.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
		return nil, fmt.Errorf("writing key %s: %w; free some space and try again", path, err)
	}
	return ssh.NewSignerFromKey(private)
}

func loadKey(path string) (ssh.Signer, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading key: %w", err)
	}
	signer, err := ssh.ParsePrivateKey(data)
	if err != nil {
		return nil, fmt.Errorf("reading key %s: %w; remove the file, perch makes a new one", path, err)
	}
	return signer, nil
}

// readExtra returns the keys of an authorized_keys file.
func readExtra(path string) ([]byte, error) {
	if path == "" {
		return nil, nil
	}
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading authorized_keys_file: %w; correct the path in the configuration", err)
	}
	return checkExtra(path, data)
}

// checkExtra reads line by line, since a broken line would lock nobody out but
// its owner, silently.
func checkExtra(path string, data []byte) ([]byte, error) {
	for i, line := range bytes.Split(data, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		if _, _, _, _, err := ssh.ParseAuthorizedKey(line); err != nil {
			return nil, fmt.Errorf("reading authorized_keys_file %s, line %d: %w; correct that line", path, i+1, err)
		}
	}
	return append(bytes.TrimRight(data, "\n"), '\n'), nil
}
