package images

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"perch/tests/pool"
	"perch/tests/session"
)

// inPool: what holds under runc holds under Apptainer, of an unpacked image and of
// a SIF, and in a real job of HTCondor's.
func inPool(t *testing.T, server, reports string) {
	i := debian(t)
	p := pool.Start(t, pool.V25, pool.Config{Extra: "STARTER_INITIAL_UPDATE_INTERVAL = 0\n"})
	install(t, p, server)
	tree := p.Image(t, pool.Sandbox, i.name, i.archive)
	sif := p.Image(t, pool.SIF, i.name, i.archive)
	for _, c := range []struct{ name, in, image string }{
		{"apptainer", "apptainer", tree},
		{"apptainer.sif", "apptainer", sif},
		{"htcondor", "htcondor", tree},
	} {
		t.Run(c.name, func(t *testing.T) {
			const inside = "/tmp/report.json"
			smoke(t, p, i, c.in, c.image, "--json", inside)
			report, err := p.Exec(t.Context(), "alice", "cat", inside)
			file := filepath.Join(reports, i.name+"."+c.name+".json")
			if err := errors.Join(err, os.WriteFile(file, []byte(report.Stdout), 0o644)); err != nil {
				t.Fatal(err)
			}
			complete(t, file, 24)
		})
	}
}

// install puts Perch's programs, the expectations and the server into the pool.
func install(t *testing.T, p *pool.Pool, server string) {
	t.Helper()
	bin := filepath.Join(p.Dir(), "bin")
	if err := os.Mkdir(bin, 0o755); err != nil {
		t.Fatal(err)
	}
	for from, to := range map[string]string{
		session.Program("perch"): bin, session.Program("perch-ssh"): bin, session.Program("perch-entrypoint"): bin, session.Program("perch-ci"): bin,
		server: filepath.Join(p.Dir(), "server.tar.gz"),
	} {
		if out, err := exec.Command("cp", "--reflink=auto", from, to).CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	if err := os.CopyFS(filepath.Join(p.Dir(), "images"), os.DirFS(own)); err != nil {
		t.Fatal(err)
	}
}
