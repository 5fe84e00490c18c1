package smoke

import (
	"bytes"
	"context"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// secretNames are files that hold somebody's secret wherever they are.
var secretNames = map[string]bool{
	".netrc": true, ".git-credentials": true, ".pgpass": true, ".npmrc": true, ".pypirc": true, ".dockercfg": true, "id_rsa": true, "id_ecdsa": true,
	"id_ed25519": true, "ssh_host_rsa_key": true, "ssh_host_ecdsa_key": true, "ssh_host_ed25519_key": true,
}

// secretPaths are files that do so by their directory's name as well. Podman's and
// buildah's, in /run, have the uid before it.
var secretPaths = regexp.MustCompile(`/(\.docker/config\.json|containers/([0-9]+/)?auth\.json|\.aws/credentials)$`)

// secretDirs are where somebody's own files would be. Elsewhere are packages',
// with keys for their tests.
var secretDirs = []string{"etc", "root", "home", "opt", "run", "srv", "tmp", "usr/local", "var"}

// keyMark is in each private key of PEM's format, OpenSSH's among them.
var keyMark = []byte("PRIVATE KEY-----")

// Passwords for mirrors, proxies and indexes stand in configuration: in an address,
// or where apt_auth.conf(5) has them. Comments explain, with made-up ones.
var (
	addressPassword = regexp.MustCompile(`(?m)^[^#\n]*://[^/\s:@]*:[^/\s@]+@`)
	aptPassword     = regexp.MustCompile(`(?m)^([^#\n]*\s)?password\s+\S`)
)

// secretIn says whether the file at a path in the image has a key or a password
// in it.
func secretIn(path string, content []byte) bool {
	return bytes.Contains(content, keyMark) ||
		strings.HasPrefix(path, "/etc/") && addressPassword.Match(content) ||
		strings.HasPrefix(path, "/etc/apt/auth.conf") && aptPassword.Match(content)
}

// checkSecrets looks for keys and passwords that a build has left.
func checkSecrets(_ context.Context, j *job) (string, error) {
	const largest = 64 << 10 // bytes; no key is larger
	var found findings
	for _, dir := range secretDirs {
		err := j.walk(dir, func(path string, info fs.FileInfo) error {
			if !info.Mode().IsRegular() {
				return nil
			}
			if secretNames[info.Name()] || secretPaths.MatchString(path) {
				found = append(found, path)
				return nil
			}
			if info.Size() > largest {
				return nil
			}
			content, err := os.ReadFile(filepath.Join(j.tree, path))
			if secretIn(path, content) {
				found = append(found, path)
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return "", found.err("secrets, or what looks like them")
}
