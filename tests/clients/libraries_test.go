package clients

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/adrg/xdg"
)

// libraries are used by programs of ours, in testdata: they know the tasks.
func libraries() []client {
	return []client{
		library("paramiko", "python3-paramiko", `/usr/bin/python3 -W ignore "$TESTDATA/paramiko_client.py"`),
		library("asyncssh", "python3-asyncssh", `/usr/bin/python3 -W ignore "$TESTDATA/asyncssh_client.py"`),
		library("ssh2 of npm", "nodejs", `NODE_PATH="$NODE_MODULES" node "$TESTDATA/ssh2_client.js"`),
	}
}

func library(name, packages, program string) client {
	return client{
		name: name, way: byProxy, packages: packages, transport: "perch-ssh",
		lines: map[task]string{
			command: program + ` run "$CMD"`,
			put:     program + ` put "$LOCAL" "$REMOTE"`,
			get:     program + ` get "$REMOTE" "$LOCAL"`,
			putTree: program + ` put "$LOCAL" "$REMOTE"`,
			getTree: program + ` get "$REMOTE" "$LOCAL"`,
		},
	}
}

// ssh2 is the package and version that open-remote-ssh of VSCodium uses.
const ssh2 = "ssh2@1.17.0"

// nodeModules is the folder with ssh2 in it: in the cache, whole or not there.
func nodeModules(t *testing.T) string {
	t.Helper()
	dir := filepath.Join(xdg.CacheHome, "perch", "npm", ssh2)
	modules := filepath.Join(dir, "node_modules")
	if _, err := os.Stat(filepath.Join(modules, "ssh2")); err == nil {
		return modules
	}
	if err := os.MkdirAll(filepath.Dir(dir), 0o700); err != nil {
		t.Fatal(err)
	}
	beside, err := os.MkdirTemp(filepath.Dir(dir), "new-")
	if err != nil {
		t.Fatal(err)
	}
	defer os.RemoveAll(beside)
	// Its native parts are optional, and their building would need a compiler.
	npm := exec.CommandContext(t.Context(), "npm", "install", "--ignore-scripts", "--no-audit", "--no-fund", "--prefix", beside, ssh2)
	if out, err := npm.CombinedOutput(); err != nil {
		t.Fatalf("npm install %s: %v\n%s", ssh2, err, out)
	}
	// Another run may have been quicker.
	if err := os.Rename(beside, dir); err != nil && !errors.Is(err, os.ErrExist) {
		t.Fatal(err)
	}
	return modules
}
