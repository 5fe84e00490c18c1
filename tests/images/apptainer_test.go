package images

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"perch/tests/pool"
	"perch/tests/vscode"
)

// TestBuildWithApptainer: a user of a pool, who has no rights but subordinate ids,
// builds on an image of ours, and HTCondor takes what Apptainer makes of it.
func TestBuildWithApptainer(t *testing.T) {
	t.Parallel()
	i := build(t, own, []string{"minimal"})[0]
	p := pool.Start(t, pool.V25, pool.Config{Extra: "STARTER_INITIAL_UPDATE_INTERVAL = 0\n"})
	install(t, p, vscode.Get(t).Archive)
	if out, err := exec.Command("cp", i.archive, filepath.Join(p.Dir(), "base.tar")).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	site := filepath.Join(p.Dir(), "images", "site")
	if err := os.CopyFS(site, os.DirFS(filepath.Join(own, "minimal"))); err != nil {
		t.Fatal(err)
	}
	const lines = "ARG BASE=docker.io/library/debian:bookworm\nFROM ${BASE}\nRUN echo site >/etc/site\nLABEL org.opencontainers.image.title=\"Site\"\n"
	if err := os.WriteFile(filepath.Join(site, "Containerfile"), []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	r, err := p.Exec(t.Context(), "alice", "env", "PATH=/host/bin:/usr/local/bin:/usr/bin:/bin", "perch-ci", "build", "site", "--images", "/host/images",
		"--base", "oci-archive:/host/base.tar", "-o", "/home/alice/images")
	const made = "/home/alice/images/site"
	if want := made + ".tar\n" + made + "\n" + made + ".sif\n" + made + ".packages.tsv\n" + made + ".spdx.json\n"; err != nil || r.Code != 0 || r.Stdout != want {
		t.Fatalf("perch-ci build: %v, exit status %d, stdout %q, want %q\n%s", err, r.Code, r.Stdout, want, r.Stderr)
	}
	for _, one := range []string{made, made + ".sif"} {
		if got := p.Run(t, "alice", "apptainer", "exec", one, "cat", "/etc/site"); got != "site\n" {
			t.Errorf("in %s the site's own layer has %q", one, got)
		}
		smoke(t, p, image{name: "site"}, "htcondor", one)
	}
}
