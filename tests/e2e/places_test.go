package e2e

import (
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"
	"testing"

	"github.com/adrg/xdg"

	"perch/tests/pool"
)

func cacheDir() string { return filepath.Join(xdg.CacheHome, "perch") }

// sharedDir is a temporary directory that other users can read; t.TempDir has
// parents that they cannot enter.
func sharedDir(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "perch-e2e-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	if err := os.Chmod(dir, 0o755); err != nil {
		t.Fatal(err)
	}
	return dir
}

// runLocal runs the suite on this machine with the local engine, as a user
// without rights of any kind. Each run has a number of its own, so that what
// is left behind can be told from others'.
func runLocal(t *testing.T, bin, tree string) {
	uid := os.Getuid()
	home := sharedDir(t)
	if uid == 0 {
		// Accounts that every Debian has and nobody uses: ssh wants one.
		uid = account(t, "games")
		if tree != "" {
			uid = account(t, "news")
		}
		if err := os.Chown(home, uid, uid); err != nil {
			t.Fatal(err)
		}
		tree = readable(t, tree)
	}
	runtime := filepath.Join(home, "run")
	if err := os.Mkdir(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(runtime, uid, uid); err != nil {
		t.Fatal(err)
	}
	args, cases := suiteArgs("")
	cmd := exec.Command(filepath.Join(bin, "e2e.test"), args...)
	cmd.Dir = home
	cmd.Env = []string{placeEnv + "=local", "PERCH_E2E_BIN=" + bin, "PERCH_E2E_IMAGE=" + tree,
		"PERCH_ENGINE=local", "HOME=" + home, "XDG_RUNTIME_DIR=" + runtime, "PATH=" + os.Getenv("PATH"),
		"USER=" + strconv.Itoa(uid), "LANG=C.UTF-8", "CI=" + os.Getenv("CI")}
	if os.Getuid() == 0 {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: uint32(uid), Gid: uint32(uid)}}
	}
	runInside(t, cmd, cases)
}

// readable copies an image's tree to where that user can read it: root's cache
// is closed to others.
func readable(t *testing.T, tree string) string {
	t.Helper()
	if tree == "" {
		return ""
	}
	copied := filepath.Join(sharedDir(t), "image")
	if out, err := exec.Command("cp", "-a", "--reflink=auto", tree, copied).CombinedOutput(); err != nil {
		t.Fatalf("copying the image: %v\n%s", err, out)
	}
	return copied
}

func account(t *testing.T, name string) int {
	t.Helper()
	u, err := user.Lookup(name)
	if err != nil {
		t.Fatal(err)
	}
	uid, err := strconv.Atoi(u.Uid)
	if err != nil {
		t.Fatal(err)
	}
	return uid
}

// perConnection are the cases that show the way into a job where a site refuses
// forwarding.
const perConnection = "the image's system|exit status|forwards|one job for ten|stop|idle end|entrypoint killed|nothing left"

// runPool runs the suite as alice on the submit host of a pool of its own. With
// only, the cases that it names, and condor_ssh_to_job's sshd forwards nothing.
func runPool(t *testing.T, v pool.Version, bin string, im image, only string) {
	extra := "STARTER_INITIAL_UPDATE_INTERVAL = 0\nPERIODIC_EXPR_INTERVAL = 5\n"
	if only != "" {
		extra += "SSH_TO_JOB_SSHD_CONFIG_TEMPLATE = /host/sshd_config\n"
	}
	p := pool.Start(t, v, pool.Config{Extra: extra})
	if only != "" {
		refuseForwarding(t, p)
	}
	tree := p.Image(t, pool.Sandbox, "debian12", im.archive)
	inPool := filepath.Join(p.Dir(), "bin")
	if err := os.CopyFS(inPool, os.DirFS(bin)); err != nil {
		t.Fatal(err)
	}
	args, cases := suiteArgs(only)
	env := []string{"env", placeEnv + "=pool", "PERCH_E2E_BIN=/host/bin", "PERCH_E2E_IMAGE=" + tree,
		"PERCH_ENGINE=htcondor", "PERCH_E2E_SCHEDD=" + pool.Host, "CI=" + os.Getenv("CI")}
	argv := slices.Concat(env, []string{"/host/bin/e2e.test"}, args)
	runInside(t, p.Command(t.Context(), "alice", argv...), cases)
	if only == "" {
		moveScratch(t, p)
		args, cases = suiteArgs(scratchCase)
		argv = slices.Concat(env, []string{scratchEnv + "=" + movedScratch, "/host/bin/e2e.test"}, args)
		runInside(t, p.Command(t.Context(), "alice", argv...), cases)
	} else {
		p.Run(t, "alice", "grep", "-rqF", "trying the other way into the job", "/home/alice/.local/state/perch")
	}
	noKeyInPool(t, p)
}

const movedScratch = "/srv"

// moveScratch has jobs that start from now on see their scratch directory
// elsewhere.
func moveScratch(t *testing.T, p *pool.Pool) {
	t.Helper()
	file := filepath.Join(p.Root(), "etc/condor/config.d/90-scratch.conf")
	if err := os.WriteFile(file, []byte("SINGULARITY_TARGET_DIR = "+movedScratch+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	p.Run(t, "root", "condor_reconfig")
	pool.Await(t, "the reconfiguration", func() bool {
		got, err := p.Exec(t.Context(), "root", "condor_config_val", "-startd", "SINGULARITY_TARGET_DIR")
		return err == nil && got.Stdout == movedScratch+"\n"
	})
}

// refuseForwarding is what a site's administrator writes into the sshd_config
// of condor_ssh_to_job.
func refuseForwarding(t *testing.T, p *pool.Pool) {
	t.Helper()
	stock, err := os.ReadFile(filepath.Join(p.Root(), "usr/lib/condor/condor_ssh_to_job_sshd_config_template"))
	if err != nil {
		t.Fatal(err)
	}
	own := append([]byte("AllowStreamLocalForwarding no\nAllowTcpForwarding no\n"), stock...)
	if err := os.WriteFile(filepath.Join(p.Dir(), "sshd_config"), own, 0o644); err != nil {
		t.Fatal(err)
	}
}
