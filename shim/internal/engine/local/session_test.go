package local

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/contract"
	"perch/shim/bundle"
	"perch/shim/internal/engine"
	"perch/shim/internal/userlog"
)

// carry opens a carrier to the job as soon as the job can be entered.
func (s *site) carry(ctx context.Context, j engine.Job) (string, engine.Carrier) {
	s.Helper()
	sock := filepath.Join(s.dir, "sock")
	var carrier engine.Carrier
	s.until("the job can be entered", func() bool {
		var err error
		carrier, err = s.Carry(ctx, j, sock, engine.Forward)
		if err != nil && !errors.Is(err, engine.ErrNotYet) {
			s.Fatal(err)
		}
		return err == nil
	})
	return sock, carrier
}

// dial opens an SSH connection through sock.
func (s *site) dial(sock, user string) *ssh.Client {
	s.Helper()
	conn, err := net.Dial("unix", sock)
	if err != nil {
		s.Fatal(err)
	}
	c, channels, requests, err := ssh.NewClientConn(conn, "job", &ssh.ClientConfig{
		User: user, Auth: []ssh.AuthMethod{ssh.PublicKeys(s.signer)}, HostKeyCallback: ssh.InsecureIgnoreHostKey(),
	})
	if err != nil {
		s.Fatal(err)
	}
	client := ssh.NewClient(c, channels, requests)
	s.Cleanup(func() { client.Close() })
	return client
}

func (s *site) command(client *ssh.Client, command string) string {
	s.Helper()
	session, err := client.NewSession()
	if err != nil {
		s.Fatal(err)
	}
	defer session.Close()
	var stderr strings.Builder
	session.Stderr = &stderr
	out, err := session.Output(command)
	if err != nil {
		s.Fatalf("%s: %v: %s%s", command, err, out, &stderr)
	}
	return strings.TrimSpace(string(out))
}

// stop asks the entrypoint to end.
func (s *site) stop(sock string) {
	s.Helper()
	session, err := s.dial(sock, contract.ControlUser).NewSession()
	if err != nil {
		s.Fatal(err)
	}
	defer session.Close()
	stdin, _ := session.StdinPipe()
	if err := session.RequestSubsystem(contract.Subsystem); err != nil {
		s.Fatal(err)
	}
	if _, err := stdin.Write([]byte(contract.CommandStop + "\n")); err != nil {
		s.Fatal(err)
	}
}

const world = `echo scratch=$_CONDOR_SCRATCH_DIR home=$HOME threads=$OMP_NUM_THREADS own=$OWN; pwd
cat "$_CONDOR_JOB_AD" | grep -E '^(PerchTarget|PerchHostKey|PerchIdleTimeout|EditorJob|Mine|RequestMemory) ='
grep '^Cpus =' "$_CONDOR_MACHINE_AD"; cat data.txt; ls perch_host_key 2>&1 | grep -c 'No such'`

// checkWorld runs a command in the job and compares what it finds.
func (s *site) checkWorld(client *ssh.Client, scratch string) {
	s.Helper()
	want := "scratch=" + scratch + " home=" + scratch + " threads=2 own=a b\n" + scratch + `
RequestMemory = 4096
Mine = "it's"
PerchTarget = "hash"
EditorJob = true
PerchHostKey = "SHA256:abc"
PerchIdleTimeout = 600
Cpus = 2
some data
1`
	if got := s.command(client, world); got != want {
		s.Errorf("in the job: got\n%s\nwant\n%s", got, want)
	}
}

const sessionJDL = `
request_cpus = 2
request_memory = 4GB
environment = "OWN='a b'"
transfer_input_files = data.txt
+Mine = "it's"
+PerchTarget = "another"
queue
`

// A session from the submission to its end, as plain processes.
func TestSession(t *testing.T) {
	s := newSite(t, "")
	s.write("data.txt", "some data\n")
	sub := s.submission(sessionJDL)
	sub.IdleTimeout = 10 * time.Minute
	j := s.submit(sub)
	if j.State != engine.Idle || j.Target != "hash" || j.Key != "SHA256:abc" || j.Log != sub.Log {
		t.Errorf("submitted: got %+v", j)
	}
	executing := s.await(j, userlog.Execute)
	sock, carrier := s.carry(t.Context(), j)
	s.checkWorld(s.dial(sock, "alice"), executing.Scratch)
	if running := s.find(j.ID); running == nil || running.State != engine.Running || running.Scratch != executing.Scratch {
		t.Errorf("while it runs: got %+v", running)
	}
	if info, err := os.Stat(executing.Scratch); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("scratch directory: got %v, %v, want mode 0700", info.Mode(), err)
	}

	s.stop(sock)
	if end := s.await(j, userlog.Terminated); end.ReturnValue != contract.ExitOK || end.Signal != 0 {
		t.Errorf("end: got return value %d, signal %d", end.ReturnValue, end.Signal)
	}
	s.untilGone(j)
	s.checkNothingLeft(executing.Scratch)
	if err := carrier.Wait(); err == nil || !strings.Contains(err.Error(), "completed") {
		t.Errorf("carrier: got %v, want that the job is completed", err)
	}
	if _, err := os.Lstat(sock); !os.IsNotExist(err) {
		t.Errorf("the carrier's socket is left: %v", err)
	}
	if got, want := s.events(j), "000 001 005"; got != want {
		t.Errorf("events: got %s, want %s", got, want)
	}
	if len(s.notices) > 0 {
		t.Errorf("notices: got %q, want none", s.notices)
	}
}

// needRunc fails where no container can run; short tests run none.
func needRunc(t *testing.T) {
	t.Helper()
	if testing.Short() && os.Getenv("CI") == "" {
		t.Skip("short tests run no containers; make test does")
	}
	if err := bundle.Works(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// makeImage makes an image of the machine's shell, with the entrypoint in it.
func makeImage(t *testing.T) string {
	t.Helper()
	image := t.TempDir()
	programs := []string{"/bin/sh", "/bin/cat", "/bin/grep", "/bin/ls"}
	out, err := exec.Command("ldd", programs...).Output()
	if err != nil {
		t.Fatal(err)
	}
	files := append(programs, regexp.MustCompile(`(?m)/\S*lib\S*\.so\S*`).FindAllString(string(out), -1)...)
	for _, name := range files {
		copyInto(t, name, image+name)
	}
	copyInto(t, entrypoint, image+"/opt/"+contract.ProgramName)
	return image
}

func copyInto(t *testing.T, from, to string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := copyFile(from, to, 0o755); err != nil {
		t.Fatal(err)
	}
}

// The same in a container, with the entrypoint of the image and with the one
// that is sent.
func TestSessionInContainer(t *testing.T) {
	needRunc(t)
	image := makeImage(t)
	for name, line := range map[string]string{
		"sent":     "executable = /opt/other\n",
		"in image": "executable = /opt/perch-entrypoint\ntransfer_executable = false\n",
	} {
		t.Run(name, func(t *testing.T) {
			s := newSite(t, "")
			s.write("data.txt", "some data\n")
			sub := s.submission("universe = container\ncontainer_image = " + image + "\n" + line + sessionJDL)
			sub.IdleTimeout = 10 * time.Minute
			j := s.submit(sub)
			executing := s.await(j, userlog.Execute)
			sock, _ := s.carry(t.Context(), j)
			client := s.dial(sock, "alice")
			s.checkWorld(client, executing.Scratch)
			if got := s.command(client, "cd /; echo *"); strings.Contains(got, "home") || !strings.Contains(got, "opt") {
				t.Errorf("the root directory: got %s, want the image's", got)
			}
			sent := filepath.Join(executing.Scratch, contract.ProgramName)
			if _, err := os.Stat(sent); (err == nil) != (name == "sent") {
				t.Errorf("a perch-entrypoint at the top of the scratch directory: %v", err)
			}
			s.stop(sock)
			s.await(j, userlog.Terminated)
			s.untilGone(j)
			s.checkNothingLeft(executing.Scratch)
			if len(s.notices) > 0 {
				t.Errorf("notices: got %q, want none", s.notices)
			}
		})
	}
}

// The path of the job's own socket may be longer than a socket address.
func TestLongScratchPath(t *testing.T) {
	s := newSite(t, filepath.Join(t.TempDir(), strings.Repeat("long", 40)))
	j := s.submit(s.submission("queue"))
	s.await(j, userlog.Execute)
	sock, _ := s.carry(t.Context(), j)
	if target, err := os.Readlink(sock); err != nil || len(target) < 108 {
		t.Fatalf("the link's target: got %q, %v, want more than 107 bytes", target, err)
	}
	if got := s.command(s.dial(sock, "alice"), "echo here"); got != "here" {
		t.Errorf("got %q, want here", got)
	}
}

// If the starter is killed, its job ends, and the next look at the queue says so.
func TestStarterKilled(t *testing.T) {
	for _, kind := range []string{"plain", "container"} {
		t.Run(kind, func(t *testing.T) {
			jdl := "queue"
			if kind == "container" {
				needRunc(t)
				jdl = "container_image = " + makeImage(t) + "\nqueue"
			}
			s := newSite(t, "")
			j := s.submit(s.submission(jdl))
			scratch := s.await(j, userlog.Execute).Scratch
			sock, carrier := s.carry(t.Context(), j)
			s.command(s.dial(sock, "alice"), "(trap '' TERM HUP; while :; do read x </dev/zero; done) >/dev/null 2>&1 & echo started")
			if err := syscall.Kill(s.starterOf(j).Pid, syscall.SIGKILL); err != nil {
				t.Fatal(err)
			}
			if err := carrier.Wait(); err == nil || !strings.Contains(err.Error(), "the job's starter was killed") {
				t.Errorf("carrier: got %v, want that the starter was killed", err)
			}
			s.untilGone(j)
			if got, want := s.events(j), "000 001 004 009"; got != want {
				t.Errorf("events: got %s, want %s", got, want)
			}
			s.checkNothingLeft(scratch)
		})
	}
}

// A carrier ends with its context, and the job lives on.
func TestCarrierEnds(t *testing.T) {
	s := newSite(t, "")
	j := s.submit(s.submission("queue"))
	if _, err := s.Carry(t.Context(), j, filepath.Join(s.dir, "sock"), engine.PerConnection); !errors.Is(err, engine.ErrNoSuchWay) {
		t.Errorf("a way per connection: got %v, want %v", err, engine.ErrNoSuchWay)
	}
	ctx, cancel := context.WithCancel(t.Context())
	sock, carrier := s.carry(ctx, j)
	cancel()
	if err := carrier.Wait(); !errors.Is(err, context.Canceled) {
		t.Errorf("carrier: got %v, want %v", err, context.Canceled)
	}
	if _, err := os.Lstat(sock); !os.IsNotExist(err) {
		t.Errorf("the carrier's socket is left: %v", err)
	}
	if again := s.find(j.ID); again == nil || again.State != engine.Running {
		t.Errorf("the job: got %+v, want it running", again)
	}
}
