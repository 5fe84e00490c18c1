package smoke

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
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

// packaged is where packages of languages lie within those, with keys for theirs.
var packaged = regexp.MustCompile(`/((site|dist)-packages|node_modules|site-library)/|^/opt/conda/pkgs/|^/usr/local/go/`)

// privateKey is a private key of PEM's format, OpenSSH's and PGP's among them, in
// JSON too. Programs and manuals have the first line alone.
var privateKey = regexp.MustCompile(`-----BEGIN [A-Z0-9 ]*PRIVATE KEY( BLOCK)?-----(\s|\\[rn]|[A-Za-z-]+: [^\n]*)*[A-Za-z0-9+/]{40}`)

// Passwords for mirrors, proxies and indexes stand in configuration: in an address,
// or where apt_auth.conf(5) has them. Comments explain, with made-up ones.
var (
	addressPassword = regexp.MustCompile(`(?m)^[^#\n]*://[^/\s:@]*:[^/\s@]+@`)
	aptPassword     = regexp.MustCompile(`(?m)^([^#\n]*\s)?password\s+\S`)
)

// isSecret says whether a file of a size in bytes, at a path in the image, is or
// has in it a key or a password. It is read only where its name and size leave
// that open.
func isSecret(file string, size int64, read func() ([]byte, error)) (bool, error) {
	const largest = 64 << 10 // bytes; no key is larger
	if secretNames[path.Base(file)] || secretPaths.MatchString(file) {
		return true, nil
	}
	if size > largest {
		return false, nil
	}
	content, err := read()
	return privateKey.Match(content) && !packaged.MatchString(file) ||
		strings.HasPrefix(file, "/etc/") && addressPassword.Match(content) ||
		strings.HasPrefix(file, "/etc/apt/auth.conf") && aptPassword.Match(content), err
}

// checkSecrets looks for keys and passwords that a build has left: in the image's
// files and, where there is an archive of it, in what else that tells.
func checkSecrets(ctx context.Context, j *job) (string, error) {
	var found findings
	for _, dir := range secretDirs {
		err := j.walk(dir, func(file string, info fs.FileInfo) error {
			if !info.Mode().IsRegular() {
				return nil
			}
			secret, err := isSecret(file, info.Size(), func() ([]byte, error) { return os.ReadFile(filepath.Join(j.tree, file)) })
			if secret {
				found = append(found, file)
			}
			if errors.Is(err, fs.ErrPermission) && info.Mode().Perm()&0o400 == 0 {
				return nil // such as Rocky's shadow(5), which is an ordinary user's here
			}
			return err
		})
		if err != nil {
			return "", err
		}
	}
	detail := "in files; where an archive lies beside them, layers and history are looked at, too"
	if j.archive != "" {
		hidden, err := hiddenSecrets(ctx, j.archive)
		if err != nil {
			return "", fmt.Errorf("reading %s: %w", j.archive, err)
		}
		for _, place := range hidden {
			if file, _, _ := strings.Cut(place, " in layer "); !slices.Contains(found, file) {
				found = append(found, place)
			}
		}
		detail = "in files, layers, variables and history"
	}
	return detail, found.err("secrets, or what looks like them; build without them, since a later layer only hides one")
}
