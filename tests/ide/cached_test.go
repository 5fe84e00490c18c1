package ide

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"perch/tests/browser"
	"perch/tests/session"
	"perch/tests/vscode"
)

// TestCached: nothing is uploaded or fetched. The site has the server in a
// directory that jobs may only read, and the client finds it in its home.
func TestCached(t *testing.T) {
	t.Parallel()
	const product = ".vscode-server-oss" // by the product.json of this build
	server := vscode.Get(t)
	dir := filepath.Join(t.TempDir(), "ide-servers")
	if out, err := exec.Command(session.Program("perch-entrypoint"), "cache", "add", "--dir", dir, server.Archive).CombinedOutput(); err != nil {
		t.Fatalf("cache add: %v\n%s", err, out)
	}
	extension := filepath.Join(dir, product, "extensions", "site.seeded-1.2.3")
	manifest := `{"name": "seeded", "publisher": "site", "version": "1.2.3", "engines": {"vscode": "*"}}`
	machine := filepath.Join(dir, product, "data/Machine")
	const site = `{"terminal.integrated.env.linux": {"SITE_SETTING": "seeded"}}`
	if err := errors.Join(os.MkdirAll(extension, 0o755), os.WriteFile(filepath.Join(extension, "package.json"), []byte(manifest), 0o644),
		os.MkdirAll(machine, 0o755), os.WriteFile(filepath.Join(machine, "settings.json"), []byte(site), 0o644)); err != nil {
		t.Fatal(err)
	}
	s := session.Start(t, fmt.Sprintf("+PerchIDECache = %q", dir), "request_memory = 2G")
	j := &job{command: s.Command, target: s.Target, server: server}
	j.run(t, fmt.Sprintf("umask 077 && printf %s >%s/token", token, product))
	if from := j.run(t, fmt.Sprintf("readlink -f %s/bin/%s/out", product, server.Commit)); !strings.HasPrefix(from, dir) {
		t.Errorf("the server is in %s, not in the cache", from)
	}
	socket, port := socketName(t), session.FreePort(t)
	c := talk(t, j.ssh([]string{"-T", "-L", fmt.Sprintf("127.0.0.1:%d:%s", port, socket)}, "bash"))
	// In the server's own directory, where the site's settings are.
	c.send(strings.NewReplacer("$agent/$name", "$agent", ".vscode-server", product).Replace(j.script(c.id, "cached", "--socket-path="+socket)))
	c.result()
	j.reached(t, byAddress("unix", socket), "http://server")
	j.run(t, fmt.Sprintf("mkdir -p folder %[1]s/data/User && >folder/main.py && printf %%s '%[2]s' >%[1]s/data/User/settings.json", product, settings))
	w := browser.Start(t, "")
	w.Open(window(strconv.Itoa(port), j.run(t, "cd folder && pwd")), "main.py")
	w.Terminal()
	w.Answers(`echo "$SITE_SETTING-$((40+2))"`, "seeded-42")
	if got := j.run(t, fmt.Sprintf("%s/bin/%s/bin/code-server-oss --list-extensions --show-versions", product, server.Commit)); !strings.Contains(got, "site.seeded@1.2.3") {
		t.Errorf("the server has the extensions %q", got)
	}
	// The exec server's CLI starts the same one from its own folder.
	if got := j.run(t, fmt.Sprintf("%s/cli/servers/Stable-%s/server/bin/code-server-oss --version", product, server.Commit)); !strings.Contains(got, server.Commit) {
		t.Errorf("the exec server's folder has %q", got)
	}
	// As when the directory is on CVMFS: nothing was written there.
	if changed := j.run(t, fmt.Sprintf("find %s -newer %s/token", dir, product)); changed != "" {
		t.Errorf("the server has written into the cache: %s", changed)
	}
}
