package ide

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
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
	t.Parallel()
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
	l := newLaptop(t)
	knows(t, p, l.public)
	j.upload(t)

	name := j.ownServer(t)
	folder := j.folder(t, name)
	socket := "/tmp/code-" + name
	c := talk(t, j.ssh([]string{"-T", "-L", "/host/" + name + ".sock:" + socket}, "bash"))
	c.send(j.script(c.id, name, "--socket-path="+socket))
	c.result()
	port := session.Relay(t, filepath.Join(p.Dir(), name+".sock"))
	j.reached(t, byAddress("tcp", "127.0.0.1:"+port), "http://server")
	slot := strings.TrimSpace(inPool(t, p, "", "alice", "condor_q", "-af", "RemoteHost"))
	if got := j.run(t, "echo $_CONDOR_SLOT@$(hostname) $(nproc)"); got != strings.TrimSuffix(slot, ".perch.test")+" 1" {
		t.Errorf("the job says it runs in %q, HTCondor in %q, with 1 core", got, slot)
	}
	work(t, j, browser.Start(t, ""), window(port, folder), folder)
	workbenchThroughSubmitHost(t, p, j)
	l.join(t, submitHostSSHD(t, p, j))
	fromElsewhere(t, j, l)
}

// knows has a key let into alice's jobs, and into the submit host.
func knows(t *testing.T, p *pool.Pool, public string) {
	t.Helper()
	inPool(t, p, public, "alice", "sh", "-c", `umask 077; mkdir -p .ssh .config/perch; cat >.ssh/authorized_keys
		echo 'authorized_keys_file: ~/.ssh/authorized_keys' >.config/perch/config.yaml`)
	inPool(t, p, "", "root", "usermod", "-p", "*", "alice") // sshd lets no locked account in
}

// submitHostSSHD is sshd in the pool, as its package has it.
func submitHostSSHD(t *testing.T, p *pool.Pool, j *job) reachable {
	t.Helper()
	inPool(t, p, "", "root", "ssh-keygen", "-A")
	host := reachable{pid: p.Pid(), log: &buffer{}, login: "alice", proxy: "/host/bin/perch proxy " + j.target}
	host.key = inPool(t, p, "", "root", "cat", "/etc/ssh/ssh_host_ed25519_key.pub")
	host.jobKey = inPool(t, p, "", "alice", "/host/bin/perch", "hostkey", j.target)
	ctx, cancel := context.WithCancel(context.Background())
	sshd := p.Command(ctx, "root", "/usr/sbin/sshd", "-D", "-e")
	sshd.Stderr = host.log
	if err := sshd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { cancel(); _ = sshd.Wait() })
	return host
}

// inPool runs a program that has to succeed, and returns its output.
func inPool(t *testing.T, p *pool.Pool, input, user string, argv ...string) string {
	t.Helper()
	r, err := p.ExecInput(t.Context(), input, user, argv...)
	if err != nil || r.Code != 0 {
		t.Fatalf("%q: %v, exit status %d, %s", argv, err, r.Code, r.Stderr)
	}
	return r.Stdout
}

// workbenchThroughSubmitHost: a port of the job's, to which this machine has no way but by ssh's
// SOCKS on the submit host, shows the workbench.
func workbenchThroughSubmitHost(t *testing.T, p *pool.Pool, j *job) {
	const socks = "1080"
	name := j.ownServer(t)
	folder := j.folder(t, name)
	c := talk(t, j.ssh([]string{"-T", "-D", socks}, "bash"))
	c.send(j.script(c.id, name, onPort))
	port := c.result()["listeningOn"]
	if conn, err := net.Dial("tcp", "127.0.0.1:"+port); err == nil {
		conn.Close()
		t.Fatalf("port %s of the job can be reached without SOCKS", port)
	}
	way := p.Command(t.Context(), "alice", "socat", "UNIX-LISTEN:/host/socks.sock,fork,mode=0666", "TCP:127.0.0.1:"+socks)
	if err := way.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = way.Process.Signal(syscall.SIGTERM)
		_ = way.Wait()
	})
	outside := filepath.Join(p.Dir(), "socks.sock")
	await(t, "socat listens", func() bool { _, err := os.Stat(outside); return err == nil })
	w := browser.Start(t, "socks5://127.0.0.1:"+session.Relay(t, outside))
	work(t, j, w, window(port, folder), folder)
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
