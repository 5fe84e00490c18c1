package home

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/vscode"
)

// withServer unpacks VS Code's server where Remote - SSH does, and returns its
// directory in the job.
func (c *container) withServer(t *testing.T) (server vscode.Server, dir string) {
	t.Helper()
	server = vscode.Get(t)
	dir = ".vscode-server/bin/" + server.Commit
	c.must("mkdir", "-p", filepath.Join(c.home, dir))
	c.must("tar", "-xzf", server.Archive, "--strip-components=1", "-C", filepath.Join(c.home, dir))
	return server, jobHome + "/" + dir
}

// serves starts the server as Remote - SSH's script does, and asks it for its
// commit by its own node. It returns what the server has printed.
func (c *container) serves(server vscode.Server, dir string) string {
	c.t.Helper()
	c.is(fmt.Sprintf(`cd; : >log; %[1]s/bin/code-server-oss --start-server --socket-path /tmp/code --accept-server-license-terms \
		--telemetry-level off --without-connection-token >log 2>&1 </dev/null &
		until grep -q '^Extension host agent listening' ~/log || ! kill -0 $!; do sleep 0.1; done
		%[1]s/node -e 'require("http").get({socketPath: "/tmp/code", path: "/version"}, r => r.pipe(process.stdout))'`, dir), server.Commit)
	log, _ := c.ssh("", "job", "cat ~/log")
	if !strings.Contains(log, "listening on /tmp/code") {
		c.t.Errorf("the server says\n%s", log)
	}
	return log
}
