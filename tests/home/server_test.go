package home

import (
	"bytes"
	"errors"
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"perch/tests/pool"
	"perch/tests/session"
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
	return server, c.at + "/" + dir
}

// serves starts the server as Remote - SSH's script does, and asks it for its
// commit by its own node. It returns what the server has printed.
func (c *container) serves(server vscode.Server, dir string) string {
	c.t.Helper()
	c.is(fmt.Sprintf(`cd; : >log; %[1]s/bin/code-server-oss --start-server --socket-path "$XDG_RUNTIME_DIR/code" --accept-server-license-terms \
		--telemetry-level off --without-connection-token >log 2>&1 </dev/null &
		until grep -q '^Extension host agent listening' ~/log || grep -q 'Error: listen' ~/log || ! kill -0 $!; do sleep 0.1; done
		%[1]s/node -e 'require("http").get({socketPath: process.env.XDG_RUNTIME_DIR + "/code", path: "/version"}, r => r.pipe(process.stdout))'`, dir), server.Commit)
	log, _ := c.ssh("", "job", "cat ~/log")
	if !strings.Contains(log, "Extension host agent listening on ") {
		c.t.Errorf("the server says\n%s", log)
	}
	return log
}

// TestServerStarts: in odd places, too, the server finds a home that it can
// write, and a directory for its sockets that does not have their names cut.
func TestServerStarts(t *testing.T) {
	server, cache := vscode.Get(t), filepath.Join(t.TempDir(), "cache")
	if out, err := exec.Command(session.Program("perch-entrypoint"), "cache", "add", "--dir", cache, server.Archive).CombinedOutput(); err != nil {
		t.Fatalf("cache add: %v\n%s", err, out)
	}
	long := "/mnt/" + strings.Repeat("deep/", 15) + "job"
	for what, change := range map[string]func(*container){
		"HOME unset":     func(*container) {},
		"HOME is root":   func(c *container) { c.env("HOME=/") },
		"HOME missing":   func(c *container) { c.env("HOME=/nonesuch") },
		"HOME read-only": func(c *container) { c.env("HOME=/usr") },
		"long path":      func(c *container) { c.homeAt(long) },
		"invalid TMPDIR": func(c *container) { c.env("TMPDIR=/nonesuch", "XDG_RUNTIME_DIR=/run/user/4242") },
		"read-only /tmp": func(c *container) { c.remount("/tmp", "ro"); c.homeAt(long) },
		"image's cache": func(c *container) {
			c.write("job/.job.ad", "\n")
			c.spec.Mounts = append(c.spec.Mounts, specs.Mount{Type: "tmpfs", Source: "tmpfs", Destination: "/usr/local/share/perch"})
			c.show(cache, "/usr/local/share/perch/ide-servers")
		},
		"no sockets":      func(c *container) { c.homeOnSSHFS(); c.enter() },
		"noexec home":     func(c *container) { c.homeOn("noexec") },
		"noexec /tmp too": func(c *container) { c.remount("/tmp", "noexec"); c.homeOn("noexec") },
	} {
		t.Run(what, func(t *testing.T) {
			noexec := strings.HasPrefix(what, "noexec")
			c := newContainer(t, `PerchIDECache = "/opt"`)
			change(c)
			if !noexec {
				c.show(cache, "/opt")
			}
			c.start()
			if noexec { // what is started has to lie where it was unpacked
				c.unpack(server)
			}
			if what == "no sockets" {
				c.is("stat -c %F .perch/sock", "symbolic link")
			}
			log := c.serves(server, c.at+"/.vscode-server-oss/bin/"+server.Commit)
			runtime, _ := c.ssh("", "job", `echo "$XDG_RUNTIME_DIR"`)
			socket := regexp.MustCompile(regexp.QuoteMeta(runtime) + `/vscode-ipc-[0-9a-f-]{36}\.sock\b`)
			if failed := regexp.MustCompile(`\bE[A-Z]{4,}: .*`).FindString(log); failed != "" || !socket.MatchString(log) {
				t.Errorf("%s; the server says\n%s", failed, log)
			}
			c.is("cd && pwd && ls -d .vscode-server-oss/data/logs", c.at+"\n.vscode-server-oss/data/logs")
		})
	}
}

// TestServerOnFullDisk: the server complains of what the user was told, and who
// is in can make room.
func TestServerOnFullDisk(t *testing.T) {
	c := newContainer(t)
	c.homeOn("size=1g")
	server, dir := c.withServer(t)
	c.start()
	c.ssh("", "job", "dd if=/dev/zero of=big bs=64k 2>/dev/null || :") // it may be told of the room first
	c.says("/srv/perch-entrypoint check", "the job home has 0 B free; an IDE's server wants about 1 GiB; delete files, or raise request_disk")
	c.says(dir+"/bin/code-server-oss --list-extensions 2>&1 || :", "No space left on device")
	c.is("rm ~/big", "")
	c.serves(server, dir)
}

// TestServerAfterDeath: what a server leaves that was killed with its job is gone
// before the next one starts in the same directory.
func TestServerAfterDeath(t *testing.T) {
	c := newContainer(t)
	server, dir := c.withServer(t)
	c.start()
	c.serves(server, dir)
	c.is(`cd .vscode-server && pgrep -f -- --start-server >.`+server.Commit+`.pid && flock -n bin/`+server.Commit+`/vscode-remote-lock.0 true`, "") // as Remote - SSH's script
	c.die()
	c.start()
	c.is("cd .vscode-server; ls -A . bin/* | grep -e '^[.].*pid$' -e lock || :", "")
	c.says("/srv/perch-entrypoint check", "removed 2 locks and sockets that an earlier job's IDE left")
	c.is(`rm "$XDG_RUNTIME_DIR/code"`, "") // a client has another name each time
	c.serves(server, dir)
}

// unpack has the job unpack the server where its own programs are kept, as a
// client does.
func (c *container) unpack(server vscode.Server) {
	c.t.Helper()
	dir := ".vscode-server-oss/bin/" + server.Commit
	cmd := fmt.Sprintf("ssh -F %s job 'mkdir -p %s && tar -xz --strip-components=1 -C %[2]s' <%s", c.config, dir, server.Archive)
	c.must("sh", "-c", cmd)
}

// env adds to the environment that the job is started with.
func (c *container) env(assignments ...string) {
	c.spec.Process.Env = append(c.spec.Process.Env, assignments...)
}

// homeAt puts the job home elsewhere in the container.
func (c *container) homeAt(dir string) {
	for i := range c.spec.Process.Env {
		c.spec.Process.Env[i] = strings.ReplaceAll(c.spec.Process.Env[i], jobHome, dir)
	}
	home := &c.spec.Mounts[len(c.spec.Mounts)-1]
	home.Destination = dir
	c.spec.Mounts = append([]specs.Mount{{Type: "tmpfs", Source: "tmpfs", Destination: path.Join("/", strings.Split(dir, "/")[1])}}, c.spec.Mounts...)
	c.spec.Process.Args[0], c.spec.Process.Cwd, c.at = dir+"/perch-entrypoint", dir, dir
}

// homeOn puts the job home on a file system of its own.
func (c *container) homeOn(options string) {
	c.t.Helper()
	aside := c.home + ".aside"
	c.must("mv", c.home, aside)
	c.must("mkdir", "-m", "700", c.home)
	c.must("mount", "-t", "tmpfs", "-o", "mode=700,"+options, "none", c.home)
	c.t.Cleanup(func() { c.must("umount", "-l", c.home) })
	c.must("cp", "-a", aside+"/.", c.home)
	if strings.Contains(options, "noexec") { // and the scheduler starts the image's own program
		c.show(filepath.Join(c.dir, "bin", "perch-entrypoint"), "/mnt/perch-entrypoint")
		c.spec.Mounts = append([]specs.Mount{{Type: "tmpfs", Source: "tmpfs", Destination: "/mnt"}}, c.spec.Mounts...)
		c.spec.Process.Args[0] = "/mnt/perch-entrypoint"
	}
}

// homeOnSSHFS puts the job home on sshfs, whose protocol knows no sockets.
func (c *container) homeOnSSHFS() {
	c.t.Helper()
	pool.Requires(c.t, "sshfs", "openssh-sftp-server")
	far := c.home + ".far"
	c.must("mv", c.home, far)
	c.must("mkdir", "-m", "700", c.home)
	passive := "passive"
	if help, _ := exec.Command("sshfs", "-h").CombinedOutput(); bytes.Contains(help, []byte("no_contain_symlinks")) {
		passive += ",no_contain_symlinks" // a newer one hides where links lead
	}
	// Both end with this process, whatever ends it.
	there := exec.Command("setpriv", "--pdeathsig", "KILL", "sshfs", "-f", "-o", passive, ":"+far, c.home)
	back := exec.Command("setpriv", "--pdeathsig", "KILL", "/usr/lib/openssh/sftp-server")
	var said bytes.Buffer
	there.Stderr = &said
	var err error
	if there.Stdin, err = back.StdoutPipe(); err == nil {
		there.Stdout, err = back.StdinPipe()
	}
	if err = errors.Join(err, back.Start(), there.Start()); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan struct{})
	go func() { there.Wait(); close(ended) }()
	c.t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", c.home).CombinedOutput(); err != nil {
			c.t.Errorf("%v: %s", err, out)
		}
		there.Process.Kill()
		back.Process.Kill() // this process holds its standard input open
		<-ended
		back.Wait()
	})
	for end := time.Now().Add(time.Minute); exec.Command("mountpoint", "-q", c.home).Run() != nil; {
		select {
		case <-ended:
			c.t.Fatalf("sshfs has ended: %s", &said)
		case <-time.After(50 * time.Millisecond):
		}
		if time.Now().After(end) {
			c.t.Fatal("sshfs does not mount")
		}
	}
}

// remount has a directory of the container's mounted in another way.
func (c *container) remount(dir, option string) {
	for i, m := range c.spec.Mounts {
		if m.Destination == dir {
			c.spec.Mounts[i].Options = append(m.Options, option)
		}
	}
}
