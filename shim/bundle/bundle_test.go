package bundle

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// limit is how long any of these may hang before the test gives up.
const limit = 2 * time.Minute

// needRunc fails where no container can run; short tests run none.
func needRunc(t *testing.T) context.Context {
	t.Helper()
	if testing.Short() && os.Getenv("CI") == "" {
		t.Skip("short tests run no containers; make test does")
	}
	ctx, cancel := context.WithTimeout(context.Background(), limit)
	t.Cleanup(cancel)
	if err := Works(ctx); err != nil {
		t.Fatal(err)
	}
	return ctx
}

// shellJob is a job that runs a script with the machine's own shell, in an image
// of an empty /var and a file.
func shellJob(t *testing.T, script string) Job {
	t.Helper()
	dir := t.TempDir()
	image, scratch := filepath.Join(dir, "image"), filepath.Join(dir, "scratch")
	makeTree(t, dir, "image/var/empty/", "image/marker", "scratch/")
	return Job{
		Image: image, Scratch: scratch, UID: os.Geteuid(), GID: os.Getegid(),
		Args:  []string{"sh", "-c", script},
		Env:   []string{"PATH=/usr/bin:/bin"},
		Binds: []string{"/bin", "/lib", "/lib64", "/usr"},
	}
}

// makeBundle makes a bundle that is gone after the test.
func makeBundle(t *testing.T, j Job) *Bundle {
	t.Helper()
	b, err := Make(filepath.Join(t.TempDir(), "bundle"), j)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Remove(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return b
}

// run runs a job and returns its output and exit status.
func run(t *testing.T, ctx context.Context, j Job) (string, int) {
	t.Helper()
	cmd, err := makeBundle(t, j).Command(ctx)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if cmd.ProcessState == nil {
		t.Fatal(err)
	}
	if stderr.Len() > 0 {
		t.Logf("stderr: %s", stderr.String())
	}
	return strings.TrimSpace(string(out)), cmd.ProcessState.ExitCode()
}

func TestContainerWorld(t *testing.T) {
	ctx := needRunc(t)
	j := shellJob(t, `
		echo uid=$(id -u) gid=$(id -g) home=$HOME pwd=$(pwd) host=$(hostname)
		grep -E 'CapPrm|CapEff|NoNewPrivs' /proc/self/status | tr -s '[:space:]' ' '; echo
		for f in /x /var/x /usr/x /marker; do (: >$f) 2>/dev/null && echo $f is writable; done
		for d in /tmp /var/tmp /dev/shm $HOME; do : >$d/x || echo $d is not writable; done
		for f in /marker /var/empty /dev/null /proc/self /sys/class /etc/hosts; do ls -d $f; done
		[ $(ls -d /proc/[0-9]* | wc -l) -lt 9 ] || echo other processes are seen
		ls /dev/pts/ptmx`)
	j.Hostname = "box"
	before := tree(t, j.Image)
	out, code := run(t, ctx, j)
	want := fmt.Sprintf(`uid=%d gid=%d home=%s pwd=%[3]s host=box
CapPrm: 0000000000000000 CapEff: 0000000000000000 NoNewPrivs: 1 
/marker
/var/empty
/dev/null
/proc/self
/sys/class
/etc/hosts
/dev/pts/ptmx`, j.UID, j.GID, j.Scratch)
	if d := cmp.Diff(want, out); d != "" || code != 0 {
		t.Errorf("exit status %d, output (-want +got):\n%s", code, d)
	}
	if d := cmp.Diff(before, tree(t, j.Image)); d != "" {
		t.Errorf("the image was changed:\n%s", d)
	}
	for _, name := range []string{"x", "tmp/x", "var/tmp/x"} {
		if _, err := os.Stat(filepath.Join(j.Scratch, name)); err != nil {
			t.Errorf("outside: %v", err)
		}
	}
}

func TestExitStatus(t *testing.T) {
	ctx := needRunc(t)
	for _, c := range []struct {
		script string
		want   int
	}{{"exit 0", 0}, {"exit 7", 7}, {"kill -KILL $$; exit 7", 137}} {
		j := shellJob(t, c.script)
		// The first process of a pid namespace cannot kill itself.
		j.Args = []string{"sh", "-c", `sh -c "$0"; exit $?`, c.script}
		if _, got := run(t, ctx, j); got != c.want {
			t.Errorf("%q: exit status %d, want %d", c.script, got, c.want)
		}
	}
}

func TestNoSuchProgram(t *testing.T) {
	ctx := needRunc(t)
	j := shellJob(t, "")
	j.Args = []string{"no-such-program"}
	if _, code := run(t, ctx, j); code == 0 {
		t.Error("a program that is not there ended with exit status 0")
	}
}

func TestSmallTmp(t *testing.T) {
	ctx := needRunc(t)
	j := shellJob(t, `head -c 2000000 /dev/zero >/tmp/x && echo large; head -c 500000 /dev/zero >/var/tmp/x && echo small`)
	j.TmpSize = 1 << 20
	if out, _ := run(t, ctx, j); out != "small" {
		t.Errorf("got %q, want that 1 MiB takes the small file only", out)
	}
}

func TestLoopback(t *testing.T) {
	ctx := needRunc(t)
	j := shellJob(t, `tail -n +3 /proc/net/dev | cut -d: -f1`)
	j.Loopback = true
	if out, _ := run(t, ctx, j); out != "lo" {
		t.Errorf("interfaces: got %q, want lo alone", out)
	}
}

// start starts a job that prints a line when it is ready, and returns once it
// has. What is still to come can be read from the reader, whose end means that
// no process of the job is left.
func start(t *testing.T, ctx context.Context, b *Bundle) (*exec.Cmd, io.Reader) {
	t.Helper()
	cmd, err := b.Command(ctx)
	if err != nil {
		t.Fatal(err)
	}
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.Close() })
	cmd.Stdout, cmd.Stderr = w, os.Stderr
	err = cmd.Start()
	w.Close()
	if err != nil {
		t.Fatal(err)
	}
	if err := r.SetReadDeadline(time.Now().Add(limit)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(r, make([]byte, len("ready\n"))); err != nil {
		t.Fatalf("waiting for the job: %v", err)
	}
	return cmd, r
}

// stubborn leaves processes behind that ignore what can be ignored.
const stubborn = `trap '' TERM HUP INT; setsid sh -c 'while :; do sleep 100; done' & echo ready; wait; while :; do sleep 100; done`

func TestSignalsReachTheProgram(t *testing.T) {
	ctx := needRunc(t)
	for _, how := range []string{"to the command", "by Signal"} {
		b := makeBundle(t, shellJob(t, `trap 'echo asked; exit 3' TERM; echo ready; while :; do sleep 0.1; done`))
		cmd, r := start(t, ctx, b)
		send := func() error { return b.Signal(ctx, syscall.SIGTERM) }
		if how == "to the command" {
			send = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
		}
		if err := send(); err != nil {
			t.Fatal(err)
		}
		out, err := io.ReadAll(r)
		_ = cmd.Wait()
		if got := cmd.ProcessState.ExitCode(); got != 3 || string(out) != "asked\n" || err != nil {
			t.Errorf("%s: exit status %d, output %q, %v; want 3 and asked", how, got, out, err)
		}
	}
}

func TestKillEndsEverything(t *testing.T) {
	ctx := needRunc(t)
	for _, c := range []struct {
		name string
		kill func(b *Bundle, cmd *exec.Cmd, cancel func()) error
	}{
		{"Kill", func(b *Bundle, _ *exec.Cmd, _ func()) error { return b.Kill(ctx) }},
		{"end of the context", func(_ *Bundle, _ *exec.Cmd, cancel func()) error { cancel(); return nil }},
		{"after runc was killed", func(b *Bundle, cmd *exec.Cmd, _ func()) error {
			if err := cmd.Process.Kill(); err != nil {
				return err
			}
			return Open(b.dir).Kill(ctx)
		}},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(ctx)
			defer cancel()
			b := makeBundle(t, shellJob(t, stubborn))
			cmd, r := start(t, ctx, b)
			if pid, err := b.Pid(ctx); pid == 0 || err != nil {
				t.Errorf("Pid of a running job: %d, %v", pid, err)
			}
			if err := c.kill(b, cmd, cancel); err != nil {
				t.Error(err)
			}
			if _, err := io.ReadAll(r); err != nil {
				t.Errorf("something is left running: %v", err)
			}
			if err := cmd.Wait(); err == nil {
				t.Error("a killed job ended with exit status 0")
			}
			if pid, err := b.Pid(context.Background()); pid != 0 || err != nil {
				t.Errorf("Pid of a dead job: %d, %v; want 0", pid, err)
			}
		})
	}
}

// TestWithoutRoot runs the tests of this file as a user without rights, or, for
// such a user, has nothing to add.
func TestWithoutRoot(t *testing.T) {
	needRunc(t)
	if rootless() {
		return
	}
	dir, err := os.MkdirTemp("", "perch-bundle-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	const uid = 54321
	if err := os.Chown(dir, uid, uid); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, "bundle.test")
	build := exec.Command("go", "test", "-c", "-o", program, ".")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	if err := os.Chmod(program, 0o755); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-test.v")
	cmd.Dir = dir
	cmd.Env = []string{"PATH=/usr/bin:/bin", "HOME=" + dir, "TMPDIR=" + dir, "CI=true"}
	cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uid, Gid: uid}}
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("%v:\n%s", err, out)
	}
}

// TestAnotherUser has root run a job as somebody without an account.
func TestAnotherUser(t *testing.T) {
	ctx := needRunc(t)
	if rootless() {
		return
	}
	for _, size := range []int64{0, 1 << 20} {
		j := shellJob(t, `id -u; for d in /tmp /var/tmp /dev/shm $HOME; do (: >$d/x) || echo $d is not writable; done`)
		j.UID, j.GID, j.TmpSize = 54321, 54321, size
		if err := os.Chown(j.Scratch, j.UID, j.GID); err != nil {
			t.Fatal(err)
		}
		if out, code := run(t, ctx, j); out != "54321" || code != 0 {
			t.Errorf("tmp size %d: exit status %d, output %q, want 54321 alone", size, code, out)
		}
	}
}
