package clients

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"syscall"
	"testing"
)

// git has a working tree in the job, which follows what is pushed. A file goes
// there by a commit and a push, and comes back by a clone.
func git(way, program, ssh, host string) client {
	repo := ssh + ` "git init -q -b main '$REMOTE_DIR' && git -C '$REMOTE_DIR' config receive.denyCurrentBranch updateInstead" && `
	clone := program + ` clone -q "` + host + `:$REMOTE_DIR" "$CLONE"`
	push := repo + clone + ` && cp -r "$LOCAL" "$CLONE" && cd "$CLONE" && git add . && git commit -q -m "$NAME" && ` +
		`git branch -q -M main && ` + program + ` push -q origin main`
	fetch := clone + ` && cp -r "$CLONE/$NAME" "$LOCAL_DIR"`
	return client{
		name: "git", way: way, packages: "git", job: "git", transport: carrying[way],
		lines: map[task]string{
			put: push, get: fetch, putTree: push, getTree: fetch,
			held: program + ` clone -q -u "git -c uploadpack.packObjectsHook='$TESTDATA/hold' upload-pack" "` + host + `:$REMOTE_DIR" "$CLONE"`,
		},
		cannot: map[string]string{
			"status":     gitsOwn,
			"streams":    gitsOwn,
			"attributes": "git keeps no times, and of the mode the executable bit alone",
		},
	}
}

const gitsOwn = "git runs its own commands in the job, none of the user's"

// held is a clone that stops in its middle: git would have to pack an endless
// file before it sends any of it.
func (c *cell) held(t *testing.T) *transfer {
	t.Helper()
	content := make([]byte, 8<<20)
	rand.Read(content)
	if err := os.WriteFile(c.here("held"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	c.do(t, put, "held", "repo/held")
	name := c.there("repo/.git/tap")
	if err := syscall.Mkfifo(name, 0o600); err != nil {
		t.Fatal(err)
	}
	tap, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { tap.Close() })
	return &transfer{cell: c, line: c.lines[held], tap: tap, dir: c.here("clone"),
		vars: append(c.vars("back/held", "repo/held"), "CLONE="+filepath.Join(c.local, "clone"))}
}
