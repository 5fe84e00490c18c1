// Package home tries what docs/job-home.md says in real containers: with a
// cgroup's limits, as a user whom the image does not know, and with a C library
// that calls itself old, each with a real VS Code server where one is concerned.
package home

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"

	"perch/entrypoint/contract"
	"perch/tests/pool"
	"perch/tests/session"
)

func TestMain(m *testing.M) { os.Exit(session.Main(m)) }

// jobHome is the job home in the container: a directory that each image has.
const jobHome = "/srv"

// container is a job in the repository's own image, which it may not change.
type container struct {
	t      *testing.T
	dir    string // with the bundle, and ssh's files
	home   string // the job home, from outside
	at     string // and from inside
	spec   *specs.Spec
	config string
}

// newContainer prepares one in which the job is user 0. ad are lines of its ad.
func newContainer(t *testing.T, ad ...string) *container {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Fatal("cgroups and other users want root; run these tests as root")
	}
	pool.Requires(t, "runc", "openssh-client")
	c := &container{t: t, dir: t.TempDir(), at: jobHome}
	c.home, c.config = filepath.Join(c.dir, "job"), filepath.Join(c.dir, "config")
	if err := os.Mkdir(c.home, 0o700); err != nil {
		t.Fatal(err)
	}
	c.must("cp", session.Program("perch-entrypoint"), c.home)
	c.write("job/.job.ad", strings.Join(append(ad, ""), "\n"))
	c.keys()
	c.spec = c.bundle(strings.TrimPrefix(session.Image(t)[1], "container_image = "))
	return c
}

// keys are the job's and the user's, where the scheduler would have put them.
func (c *container) keys() {
	c.t.Helper()
	for _, name := range []string{"id", "job/" + contract.HostKeyFile} {
		c.must("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(c.dir, name))
	}
	c.must("cp", filepath.Join(c.dir, "id.pub"), filepath.Join(c.home, contract.AuthorizedKeysFile))
	hostKey, err := os.ReadFile(filepath.Join(c.home, contract.HostKeyFile+".pub"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.write("known_hosts", "job "+string(hostKey))
	c.write("config", fmt.Sprintf(`Host job
	ProxyCommand %[1]s/bin/%[2]s stdio
	IdentityFile %[1]s/id
	IdentitiesOnly yes
	UserKnownHostsFile %[1]s/known_hosts
	HostKeyAlias job
	StrictHostKeyChecking yes
`, c.dir, contract.ProgramName))
	// The program finds the socket beside itself.
	c.must("mkdir", filepath.Join(c.dir, "bin"))
	c.must("cp", session.Program("perch-entrypoint"), filepath.Join(c.dir, "bin", contract.ProgramName))
	c.must("ln", "-s", filepath.Join(c.home, contract.Dir, contract.SocketName), filepath.Join(c.dir, "bin", contract.SocketName))
}

// bundle is the container's configuration.
func (c *container) bundle(image string) *specs.Spec {
	mount := func(kind, target string, options ...string) specs.Mount {
		return specs.Mount{Type: kind, Source: kind, Destination: target, Options: options}
	}
	return &specs.Spec{
		Version: "1.0.2", // runc of Debian 12 takes no newer one
		Root:    &specs.Root{Path: image, Readonly: true},
		Process: &specs.Process{
			Args: []string{jobHome + "/perch-entrypoint"}, Cwd: jobHome,
			Env: []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "_CONDOR_SCRATCH_DIR=" + jobHome,
				"_CONDOR_JOB_AD=" + jobHome + "/.job.ad"},
		},
		Mounts: []specs.Mount{
			mount("proc", "/proc"), mount("sysfs", "/sys", "ro"), mount("cgroup", "/sys/fs/cgroup", "ro"),
			mount("tmpfs", "/dev", "mode=755"), mount("devpts", "/dev/pts", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"),
			mount("tmpfs", "/dev/shm", "mode=1777"), mount("tmpfs", "/tmp", "mode=1777"),
			{Type: "bind", Source: c.home, Destination: jobHome, Options: []string{"rbind", "rw"}},
		},
		Linux: &specs.Linux{
			Namespaces: []specs.LinuxNamespace{{Type: specs.PIDNamespace}, {Type: specs.NetworkNamespace},
				{Type: specs.IPCNamespace}, {Type: specs.UTSNamespace}, {Type: specs.MountNamespace}},
			Resources: &specs.LinuxResources{},
		},
	}
}

// show has the container see a file or directory of this machine's.
func (c *container) show(outside, inside string) {
	c.spec.Mounts = append(c.spec.Mounts, specs.Mount{Type: "bind", Source: outside, Destination: inside, Options: []string{"rbind", "ro"}})
}

// id is the container's name.
func (c *container) id() string { return "perch-home-" + filepath.Base(filepath.Dir(c.dir)) }

// enter has clients come in as by HTCondor, by a process in the container: what is
// a socket there need not be one here.
func (c *container) enter() {
	c.must("sed", "-i", fmt.Sprintf("s|ProxyCommand .*|ProxyCommand runc exec %s %s stdio|", c.id(), path.Join(c.at, contract.Dir, contract.ProgramName)), c.config)
}

// start runs the container until the test's end, and waits until the job can be
// entered.
func (c *container) start() {
	c.t.Helper()
	text, err := json.Marshal(c.spec)
	if err != nil {
		c.t.Fatal(err)
	}
	c.write("config.json", string(text))
	user := c.spec.Process.User
	c.must("chown", "-R", fmt.Sprintf("%d:%d", user.UID, user.GID), c.home)
	id := c.id()
	cmd := exec.Command("runc", "run", "--bundle", c.dir, id)
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		c.t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	c.t.Cleanup(func() {
		exec.Command("runc", "kill", id, "TERM").Run()
		select {
		case <-ended:
		case <-time.After(30 * time.Second):
			c.t.Errorf("the container does not end:\n%s", &said)
			exec.Command("runc", "delete", "--force", id).Run()
		}
	})
	for end := time.Now().Add(time.Minute); !c.ready(); time.Sleep(50 * time.Millisecond) {
		select {
		case err := <-ended:
			ended <- err
			c.t.Fatalf("the container has ended: %v\n%s", err, &said)
		default:
		}
		if time.Now().After(end) {
			c.t.Fatal("the job is not ready after a minute")
		}
	}
}

// die ends the container at once, as a node does that loses power, and takes away
// what says that the job is ready.
func (c *container) die() {
	c.t.Helper()
	c.must("runc", "kill", c.id(), "KILL")
	for end := time.Now().Add(time.Minute); exec.Command("runc", "state", c.id()).Run() == nil; time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			c.t.Fatal("the container does not end")
		}
	}
	c.must("rm", filepath.Join(c.home, contract.Dir, contract.StatusName))
}

func (c *container) ready() bool {
	var s contract.Status
	text, err := os.ReadFile(filepath.Join(c.home, contract.Dir, contract.StatusName))
	return err == nil && json.Unmarshal(text, &s) == nil && s.State == contract.StateReady
}

// ssh runs a command in the job; an exit status other than 0 is no error.
func (c *container) ssh(input string, args ...string) (out string, code int) {
	c.t.Helper()
	cmd := exec.CommandContext(c.t.Context(), "ssh", append([]string{"-F", c.config}, args...)...)
	cmd.Stdin = strings.NewReader(input)
	said, err := cmd.CombinedOutput()
	if exit := new(exec.ExitError); err != nil && !errors.As(err, &exit) {
		c.t.Fatal(err)
	}
	return strings.TrimSpace(strings.ReplaceAll(string(said), "\r", "")), cmd.ProcessState.ExitCode()
}

// says runs a command in the job, which has to succeed with the words.
func (c *container) says(command, words string) {
	c.t.Helper()
	out, code := c.ssh("", "job", command)
	c.t.Logf("%s: %s", command, out)
	if code != 0 || !strings.Contains(out, words) {
		c.t.Errorf("%s: exit status %d, want %q", command, code, words)
	}
}

// is runs a command in the job, which has to succeed with the very words.
func (c *container) is(command, words string) {
	c.t.Helper()
	if out, code := c.ssh("", "job", command); code != 0 || out != words {
		c.t.Errorf("%s: got %q, exit status %d, want %q", command, out, code, words)
	}
}

func (c *container) write(name, text string) {
	c.t.Helper()
	if err := os.WriteFile(filepath.Join(c.dir, name), []byte(text), 0o600); err != nil {
		c.t.Fatal(err)
	}
}

func (c *container) must(program string, args ...string) {
	c.t.Helper()
	if out, err := exec.Command(program, args...).CombinedOutput(); err != nil {
		c.t.Fatalf("%s %q: %v\n%s", program, args, err, out)
	}
}
