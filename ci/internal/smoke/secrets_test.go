package smoke

import (
	"os"
	"path/filepath"
	"testing"
)

const (
	keyBody = "b3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMw"
	keyText = "-----BEGIN PRIVATE KEY-----\n" + keyBody + "\n"
)

// TestSecrets: what is one is found, and what looks much like one is not.
func TestSecrets(t *testing.T) {
	for _, c := range []struct {
		path, content string
		secret        bool
	}{
		{"root/.netrc", "machine example.org password x\n", true},
		{"root/.docker/config.json", "{}", true},
		{"root/docker/config.json", "{}", false},
		{"home/anna/.config/containers/auth.json", "{}", true},
		{"run/containers/0/auth.json", "{}", true},
		{"etc/containers/policy.json", "{}", false},
		{"root/.aws/credentials", "[default]\n", true},
		{"root/.aws/config", "[default]\n", false},
		{"opt/deploy", keyText, true},
		{"opt/key.json", `{"private_key": "-----BEGIN PRIVATE KEY-----\n` + keyBody + `"}`, true},
		{"opt/armour", "-----BEGIN PGP PRIVATE KEY BLOCK-----\nVersion: 2\n\n" + keyBody + "\n", true},
		{"opt/read-keys.py", "BEGIN = b'-----BEGIN OPENSSH PRIVATE KEY-----'\nEND = b'-----END OPENSSH PRIVATE KEY-----'\n", false},
		{"opt/conda/lib/python3.12/site-packages/tornado/test/test.key", keyText, false},
		{"usr/local/lib/node_modules/npm/docs/key", keyText, false},
		{"etc/apt/sources.list.d/site.sources", "Types: deb\nURIs: https://ci:word@mirror.example.org/debian\n", true},
		{"etc/apt/sources.list", "deb http://mirror.example.org:8080/debian stable main # by ops@example.org\n", false},
		{"etc/apt/apt.conf.d/proxy", "# such as http://user:password@proxy/\nAcquire::http::Proxy \"http://proxy:3128/\";\n", false},
		{"etc/apt/apt.conf.d/99proxy", "Acquire::http::Proxy \"http://ci:word@proxy:3128/\";\n", true},
		{"etc/apt/auth.conf.d/site.conf", "machine mirror.example.org\n  login ci\n  password word\n", true},
		{"etc/apt/auth.conf", "# machine mirror.example.org login ci password word\n", false},
		{"etc/yum.repos.d/site.repo", "baseurl=https://ci:word@mirror.example.org/\n", true},
		{"usr/share/doc/proxy", "http://user:password@proxy/\n", false},
	} {
		tree := t.TempDir()
		file := filepath.Join(tree, c.path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(c.content), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := checkSecrets(t.Context(), &job{tree: tree}); (err != nil) != c.secret {
			t.Errorf("%s with %q: got %v, want that it is a secret: %v", c.path, c.content, err, c.secret)
		}
	}
}
