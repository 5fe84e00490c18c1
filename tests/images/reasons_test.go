package images

import (
	"strings"
	"testing"

	"perch/tests/vscode"
)

// TestReasons: checks that look at several things say which of them it is.
func TestReasons(t *testing.T) {
	t.Parallel()
	server := vscode.Get(t)
	i := debian(t)
	for name, reason := range map[string]struct {
		spoil                 func(*testing.T, string)
		check, status, detail string
	}{
		"the server does not start": {whenRun("smoke-ide.sock", `chmod -x "$HOME"/ide/bin/code-server*`),
			"VS Code server", "FAIL", "the server does not start"},
		"the server has no workbench": {whenRun("smoke-ide.sock", `rm -r "$HOME/ide/out/vs/code/browser/workbench"`),
			"VS Code server", "FAIL", "the server answers with"},
		"the server does not stop": {whenRun("smoke-ide.sock", `kill() { [ "$1" != -0 ] || builtin kill "$@"; }`),
			"VS Code server", "FAIL", "the server does not stop"},
		"no user namespaces": {shadow("usr/bin/unshare", `echo "unshare: Operation not permitted" >&2; exit 1`),
			"user namespaces", "ok", "no: unshare: Operation not permitted"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			root := overlay(t, i.tree)
			reason.spoil(t, root)
			for _, r := range smoked(t, i, root, server.Archive) {
				if r.Check == reason.check && r.Status == reason.status && strings.HasPrefix(r.Detail, reason.detail) {
					return
				}
			}
			t.Errorf("no row of %q says %s %q", reason.check, reason.status, reason.detail)
		})
	}
}
