package pool

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// TestPools runs a pool of each version side by side.
func TestPools(t *testing.T) {
	for _, v := range Versions {
		t.Run(string(v), func(t *testing.T) {
			t.Parallel()
			p := Start(t, v, Config{Extra: "PERCH_EXTRA = of " + string(v)})
			t.Run("version", func(t *testing.T) { checkVersion(t, p) })
			t.Run("disk", func(t *testing.T) { checkDisk(t, p) })
			t.Run("users", func(t *testing.T) { checkUsers(t, p) })
			t.Run("exec", func(t *testing.T) { checkExec(t, p) })
			t.Run("cancel", func(t *testing.T) { checkCancel(t, p) })
			t.Run("directories", func(t *testing.T) { checkDirs(t, p) })
			t.Run("container job", func(t *testing.T) { checkContainerJob(t, p) })
			t.Run("foreign container", func(t *testing.T) { checkForeign(t, p) })
			t.Run("left behind", func(t *testing.T) { checkLeftBehind(t, p) })
		})
	}
}

func checkVersion(t *testing.T, p *Pool) {
	if got := p.Run(t, "alice", "condor_version"); !strings.Contains(got, "$CondorVersion: "+string(p.Version())+".") {
		t.Errorf("the pool of HTCondor %s has %s", p.Version(), got)
	}
	if got, want := p.Run(t, "root", "condor_config_val", "PERCH_EXTRA"), "of "+string(p.Version())+"\n"; got != want {
		t.Errorf("extra configuration reads %q, want %q", got, want)
	}
}

// checkDisk holds that a job that asks for more disk than this machine has free
// finds a slot, as it does for processors and memory.
func checkDisk(t *testing.T, p *Pool) {
	var fs unix.Statfs_t
	if err := unix.Statfs(p.Dir(), &fs); err != nil {
		t.Fatal(err)
	}
	free := fs.Bavail * uint64(fs.Bsize) >> 30
	job := p.Submit(t, "alice", fmt.Sprintf("executable = /bin/true\ntransfer_executable = false\nrequest_disk = %d GB\nqueue", free+15))
	Await(t, "the end of the job", func() bool { return p.Attribute(t, job, "JobStatus") == "4" })
}

func checkUsers(t *testing.T, p *Pool) {
	for user, want := range map[string]string{"root": "0 /root", "alice": "1101 /home/alice", "bob": "1102 /home/bob"} {
		got := p.Run(t, user, "sh", "-c", `echo $(id -u) $PWD; [ "$HOME" = "$PWD" ] && [ "$USER" = "$(id -un)" ]`)
		if got != want+"\n" {
			t.Errorf("%s is %q, want %q", user, got, want)
		}
	}
	if _, err := p.Exec(t.Context(), "eve", "true"); err == nil {
		t.Error("ran a program as a user that the pool does not have")
	}
}

func checkExec(t *testing.T, p *Pool) {
	got, err := p.ExecInput(t.Context(), "in", "alice", "sh", "-c", "cat; echo err >&2; exit 37")
	if want := (Result{"in", "err\n", 37}); err != nil || got != want {
		t.Errorf("got %+v, %v, want %+v", got, err, want)
	}
	got, err = p.Exec(t.Context(), "alice", "sh", "-c", "kill -TERM $$")
	if err != nil || got.Code != 128+15 {
		t.Errorf("a program ended by SIGTERM gives %+v, %v, want status 143", got, err)
	}
}

// checkCancel ends the context of a program that ignores SIGTERM.
func checkCancel(t *testing.T, p *Pool) {
	ctx, cancel := context.WithCancel(t.Context())
	started := filepath.Join(p.Dir(), "started")
	ended := make(chan error)
	go func() {
		_, err := p.Exec(ctx, "alice", "bash", "-c", "trap '' TERM; touch /host/started; exec sleep 4711")
		ended <- err
	}()
	Await(t, "the program", func() bool { _, err := os.Stat(started); return err == nil })
	cancel()
	if err := <-ended; err == nil {
		t.Error("a program that was cancelled gives no error")
	}
	if got, err := p.Exec(t.Context(), "root", "pgrep", "-x", "-f", "sleep 4711"); err != nil || got.Code != 1 {
		t.Errorf("after cancelling, pgrep gives %+v, %v, want status 1", got, err)
	}
}

func checkDirs(t *testing.T, p *Pool) {
	for dir, inPool := range map[string]string{p.Dir(): "/host", p.Images(): "/images", p.Root() + "/home": "/home"} {
		f, err := os.CreateTemp(dir, "file-")
		if err != nil {
			t.Fatal(err)
		}
		f.Close()
		p.Run(t, "root", "rm", inPool+"/"+filepath.Base(f.Name()))
	}
	p.Run(t, "bob", "touch", "/host/by-bob")
}

// checkContainerJob runs a job in an image of either format.
func checkContainerJob(t *testing.T, p *Pool) {
	tree := busyboxTree(t, p)
	for _, format := range []Format{Sandbox, SIF} {
		image := p.Image(t, format, "busybox", tree)
		job := p.Submit(t, "alice", fmt.Sprintf(`universe = container
			container_image = %s
			transfer_container = false
			executable = /bin/busybox
			transfer_executable = false
			arguments = "cat /made-by-test"
			output = %s.out
			error = %[2]s.err
			log = %[2]s.log
			queue`, image, format))
		Await(t, "the end of the job in a "+string(format), func() bool { return p.Attribute(t, job, "JobStatus") == "4" })
		if got := p.Run(t, "alice", "cat", string(format)+".out"); got != "for a test\n" {
			t.Errorf("the job in a %s wrote %q\n%s", format, got, p.Run(t, "alice", "sh", "-c", "cat *.err *.log"))
		}
	}
}

// busyboxTree makes a root file system with a shell, always with the same times,
// so that its image comes from the cache the next time.
func busyboxTree(t *testing.T, p *Pool) string {
	tree := t.TempDir()
	for _, argv := range [][]string{
		{"mkdir", "-p", tree + "/bin", tree + "/etc", tree + "/tmp", tree + "/dev", tree + "/proc", tree + "/sys"},
		{"cp", p.Root() + "/bin/busybox", tree + "/bin/busybox"},
		{"ln", "-s", "busybox", tree + "/bin/sh"},
		{"sh", "-c", "echo for a test > " + tree + "/made-by-test"},
		{"find", tree, "-exec", "touch", "--no-dereference", "--date=2026-01-01", "{}", "+"},
	} {
		if out, err := exec.Command(argv[0], argv[1:]...).CombinedOutput(); err != nil {
			t.Fatalf("%q: %v: %s", argv, err, out)
		}
	}
	return tree
}

// checkLeftBehind plays the death of the process that started the pool, by
// giving up its lock, and the start of another pool, which cleans up.
func checkLeftBehind(t *testing.T, p *Pool) {
	if err := p.owner.Close(); err != nil {
		t.Fatal(err)
	}
	unlock, err := lockRun(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer unlock()
	if err := sweep(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(p.dir); p.Up() || !os.IsNotExist(err) {
		t.Errorf("after the sweep the pool is up (%t), its directory there: %v", p.Up(), err)
	}
}

// checkForeign holds that a pool leaves alone a container that has its name but
// was not made from its bundle.
func checkForeign(t *testing.T, p *Pool) {
	other := named(string(p.Version()) + "-foreign")
	create := exec.Command("runc", "create", "--bundle", p.bundle(), other.container())
	if err := create.Run(); err != nil {
		t.Fatal(err)
	}
	defer exec.Command("runc", "delete", "--force", other.container()).Run()
	if err := other.destroy(); err != nil {
		t.Error(err)
	}
	if out, err := exec.Command("runc", "state", other.container()).CombinedOutput(); err != nil {
		t.Errorf("the other's container is gone: %s", out)
	}
}
