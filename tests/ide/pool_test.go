package ide

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/browser"
	"perch/tests/pool"
	"perch/tests/session"
	"perch/tests/vscode"
)

// TestPool works in a real job of HTCondor's. perch-ssh and ssh run on the
// pool's submit host, where the user is alice; the browser runs here, and comes
// in by a socket in the directory that both share.
func TestPool(t *testing.T) {
	server := vscode.Get(t)
	image := session.Image(t)
	p := pool.Start(t, pool.V25, pool.Config{Extra: "STARTER_INITIAL_UPDATE_INTERVAL = 0\n"})
	j := &job{command: submitHost(t, p), target: "JDL:/home/alice/ide.jdl", server: server}
	tree := p.Image(t, pool.Sandbox, "debian12", strings.TrimPrefix(image[1], "container_image = ")+".tar")
	submit := fmt.Sprintf("universe = container\ncontainer_image = %s\nrequest_cpus = 1\nrequest_memory = 2G\nqueue\n", tree)
	jdl := filepath.Join(p.Root(), "home", "alice", "ide.jdl")
	if err := os.WriteFile(jdl, []byte(submit), 0o644); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if out, err := j.command("perch", "stop", j.target).CombinedOutput(); err != nil {
			t.Errorf("perch stop: %v\n%s", err, out)
		}
	})
	j.upload(t)

	name := j.ownServer(t)
	folder := j.folder(t, name)
	socket := "/tmp/code-" + name
	c := talk(t, j.ssh([]string{"-T", "-L", "/host/" + name + ".sock:" + socket}, "bash"))
	c.send(j.script(c.id, name, "--socket-path="+socket))
	c.result()
	port := session.Relay(t, filepath.Join(p.Dir(), name+".sock"))
	j.reached(t, byAddress("tcp", "127.0.0.1:"+port), "http://server")
	work(t, j, browser.Start(t, ""), window(port, folder), folder)
}

// submitHost puts Perch's programs into the pool and returns how alice runs one.
func submitHost(t *testing.T, p *pool.Pool) func(string, ...string) *exec.Cmd {
	t.Helper()
	const bin = "/host/bin/"
	if err := os.Mkdir(filepath.Join(p.Dir(), "bin"), 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"perch", "perch-ssh", "perch-entrypoint"} {
		program, err := os.ReadFile(session.Program(name))
		if err == nil {
			err = os.WriteFile(filepath.Join(p.Dir(), "bin", name), program, 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return func(program string, args ...string) *exec.Cmd {
		return p.Command(context.Background(), "alice", append([]string{bin + program}, args...)...)
	}
}
