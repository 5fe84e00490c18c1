package images

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/tests/pool"
)

// TestByName: a site says in its catalogue where its images lie, and adds one of
// its own, in a SIF; users name them, and the jobs run in them.
func TestByName(t *testing.T) {
	t.Parallel()
	i := debian(t)
	p := pool.Start(t, pool.V25, pool.Config{Extra: "STARTER_INITIAL_UPDATE_INTERVAL = 0\n"})
	install(t, p, os.DevNull)
	tree, sif := p.Image(t, pool.Sandbox, i.name, i.archive), p.Image(t, pool.SIF, i.name, i.archive)
	site := filepath.Join(p.Root(), "etc", "perch", "catalog.yaml")
	if err := os.MkdirAll(filepath.Dir(site), 0o755); err != nil {
		t.Fatal(err)
	}
	text := "environments:\n  debian12:\n    image: " + tree + "\n  analysis:\n    title: the group's own\n    image: " + sif + "\n"
	if err := os.WriteFile(site, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
	perch := func(argv ...string) string {
		t.Helper()
		r, err := p.Exec(t.Context(), "alice", append([]string{"env", "PATH=/host/bin:/usr/bin:/bin"}, argv...)...)
		if err != nil || r.Code != 0 {
			t.Fatalf("%q: %v, exit status %d\n%s%s", argv, err, r.Code, r.Stdout, r.Stderr)
		}
		return r.Stdout
	}
	list := perch("perch", "template", "list")
	for name, image := range map[string]string{"analysis ": sif, "debian12 ": tree} {
		if _, line, _ := strings.Cut("\n"+list, "\n"+name); !strings.HasSuffix(strings.SplitN(line, "\n", 2)[0], " "+image) {
			t.Errorf("%sis not listed with its image:\n%s", name, list)
		}
	}
	for _, name := range []string{"debian12", "analysis"} {
		perch("perch", "up", name)
		if got := perch("perch-ssh", "JDL:"+name, `. /etc/os-release; echo "$ID $VERSION_ID"; [ -s /usr/local/share/perch/packages.tsv ] && echo whole`); got != "debian 12\nwhole\n" {
			t.Errorf("the job of %s says %q", name, got)
		}
		perch("perch", "stop", name)
	}
}
