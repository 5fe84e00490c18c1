package images

import (
	"fmt"
	"os/exec"
	"path"
	"path/filepath"
	"strings"
	"testing"

	"perch/entrypoint/contract"
	"perch/tests/pool"
	"perch/tests/session"
	"perch/tests/vscode"
)

// bake bakes the repository's image, from which its entrypoint was taken, and
// returns the archive and the layout it was made of.
func bake(t *testing.T) (i image, archive, base string) {
	t.Helper()
	i = debian(t)
	base, archive = bare(t, i.archive), filepath.Join(t.TempDir(), "baked.tar")
	out, err := exec.Command(session.Program("perch-ci"), "bake", "--base", base, "-o", archive).CombinedOutput()
	if err != nil || !strings.Contains(string(out), "Debian GNU/Linux 12 (bookworm), with glibc 2.36\n") || strings.Contains(string(out), "there is no") {
		t.Fatalf("perch-ci bake: %v\n%s", err, out)
	}
	return i, archive, base
}

// TestBake: an image in which the entrypoint was put by bake holds what one
// holds that was built, under runc and as a job of both pools.
func TestBake(t *testing.T) {
	t.Parallel()
	server := vscode.Get(t)
	i, archive, _ := bake(t)
	t.Run("runc", func(t *testing.T) {
		t.Parallel()
		out, err := exec.Command(session.Program("perch-ci"), "smoke", "--images", i.images, "--environment", i.name, archive).CombinedOutput()
		if err != nil {
			t.Errorf("perch-ci smoke: %v", err)
		}
		t.Logf("\n%s", out)
	})
	for _, v := range []pool.Version{pool.V23, pool.V25} {
		t.Run("HTCondor "+string(v), func(t *testing.T) {
			t.Parallel()
			p := pool.Start(t, v, pool.Config{Extra: "STARTER_INITIAL_UPDATE_INTERVAL = 0\n"})
			install(t, p, server.Archive)
			smoke(t, p, i, "htcondor", p.Image(t, pool.Sandbox, i.name+"-baked", archive))
		})
	}
}

// TestBakeOfApptainers: Apptainer's images are baked by an ordinary user: a SIF
// into an unpacked one, and that into a SIF.
func TestBakeOfApptainers(t *testing.T) {
	t.Parallel()
	server := vscode.Get(t)
	i := debian(t)
	p := pool.Start(t, pool.V25, pool.Config{Extra: "STARTER_INITIAL_UPDATE_INTERVAL = 0\n"})
	install(t, p, server.Archive)
	base := filepath.Join(t.TempDir(), "bare.tar")
	if out, err := exec.Command("tar", "--sort=name", "--mtime=@0", "-cf", base, "-C", bare(t, i.archive), "oci-layout", "index.json", "blobs").CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	made := strings.TrimSpace(p.Run(t, "alice", "mktemp", "-d", "-p", "/home/alice"))
	from := p.Image(t, pool.SIF, i.name+"-bare", base)
	for _, c := range []struct{ to, in string }{{"baked", "htcondor"}, {"baked.sif", "apptainer"}} {
		to := path.Join(made, c.to)
		r := bakeIn(t, p, from, to)
		if r.Code != 0 || r.Stdout != to+"\n" || !strings.Contains(r.Stderr, "glibc 2.36") {
			t.Fatalf("perch-ci bake: exit status %d\n%s%s", r.Code, r.Stdout, r.Stderr)
		}
		if labels := p.Run(t, "alice", "apptainer", "inspect", "--labels", to); !strings.Contains(labels, fmt.Sprintf("perch.contract: %d\n", contract.Version)) {
			t.Errorf("%s has the labels\n%s", to, labels)
		}
		smoke(t, p, i, c.in, to)
		from = to
	}
	// One that root has unpacked holds what others cannot read.
	r := bakeIn(t, p, p.Image(t, pool.Sandbox, i.name, i.archive), path.Join(made, "none.sif"))
	if r.Code == 0 || r.Stdout != "" || !strings.Contains(r.Stderr, "permission denied; bake it as the user who unpacked it") {
		t.Errorf("perch-ci bake of root's: exit status %d\n%s%s", r.Code, r.Stdout, r.Stderr)
	}
	// Nothing is left of the way there.
	if left := strings.TrimSpace(p.Run(t, "alice", "ls", "-A", made)); left != "baked\nbaked.sif" {
		t.Errorf("there is %q", left)
	}
}

// bakeIn bakes an image as an ordinary user of the pool. At its own level,
// mksquashfs takes a minute for a gigabyte.
func bakeIn(t *testing.T, p *pool.Pool, from, to string) pool.Result {
	t.Helper()
	r, err := p.Exec(t.Context(), "alice", "env", "APPTAINER_MKSQUASHFS_ARGS=-comp gzip -Xcompression-level 1",
		"/host/bin/perch-ci", "bake", "--base", from, "-o", to)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// smoke tries an image in a place of the pool.
func smoke(t *testing.T, p *pool.Pool, i image, in, image string, options ...string) {
	t.Helper()
	argv := append([]string{"env", "PATH=/host/bin:/usr/local/bin:/usr/bin:/bin", "perch-ci", "smoke", "--in", in,
		"--images", "/host/images", "--environment", i.name, "--ide-server", "/host/server.tar.gz", image}, options...)
	r, err := p.Exec(t.Context(), "alice", argv...)
	if err != nil || r.Code != 0 {
		t.Errorf("perch-ci smoke --in %s: %v, exit status %d", in, err, r.Code)
	}
	t.Logf("\n%s%s", r.Stdout, r.Stderr)
}
