package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/entrypoint/internal/finding"
)

// noScratch: HTCondor names a directory that is not there.
func noScratch(t *testing.T) {
	j := newOdd(t, "h")
	j.in("", "_CONDOR_SCRATCH_DIR=/nonesuch", "HOME="+j.home)
	j.wantRun("pwd", j.home)
	j.want(finding.Around, "using HOME instead")
}

func nameInTheWay(t *testing.T) {
	j := newOdd(t, "h").in(`touch "$H/scratch"`)
	j.wantRun("echo in", "in")
	j.want(finding.Said, "making scratch in the job home")
}

func noTmpInHome(t *testing.T) {
	j := newOdd(t, "h").in(`touch "$H/tmp"`)
	j.wantRun(`stat -c %a "$TMPDIR" "$XDG_RUNTIME_DIR"; echo "${XDG_RUNTIME_DIR%-*}"`, "700\n700\n/tmp/perch")
	j.want(finding.Around, "tmp/run cannot be made in the job home")
}

func noTerminals(t *testing.T) {
	j := newOdd(t, "h").in(`mkdir "$D/dev"; for d in null zero urandom; do touch "$D/dev/$d"; mount --bind "/dev/$d" "$D/dev/$d"; done; mount --rbind "$D/dev" /dev`)
	j.wantRun("echo in", "in")
	j.want(finding.Said, "no /dev/ptmx")
}

func noLibc(t *testing.T) {
	_, root := tree(t, "job")
	wantFound(t, pick(t, checkIn(t, root), "no C library"), finding.Said, "only static programs run here")
	musl := filepath.Join(root, "lib/ld-musl-x86_64.so.1")
	if err := os.Mkdir(filepath.Dir(musl), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, musl, "")
	wantFound(t, pick(t, checkIn(t, root), "no C library"), finding.Said, "the image has musl")
}

func noShell(t *testing.T) {
	_, root := tree(t, "job")
	wantFound(t, pick(t, checkIn(t, root), "no shell"), finding.Said, "commands cannot run")
}

// withCache starts a job with a cache of IDE servers.
func withCache(t *testing.T, dir string) *oddJob {
	t.Helper()
	j := newOdd(t, "h")
	ad := filepath.Join(j.dir, "job.ad")
	write(t, ad, "PerchIDECache = \""+dir+"\"\n")
	return j.in("", "_CONDOR_JOB_AD="+ad)
}

func noCache(t *testing.T) {
	withCache(t, "/nonesuch").want(finding.Said, "servers are downloaded instead")
}

func linkedServers(t *testing.T) {
	dir, commit := t.TempDir(), strings.Repeat("0123456789", 4)
	product := filepath.Join(dir, ".vscode-server/bin", commit, "product.json")
	if err := os.MkdirAll(filepath.Dir(product), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, product, "{}")
	j := withCache(t, dir)
	j.wantRun("readlink .vscode-server/bin/"+commit+"/product.json", product)
	j.want(finding.Mended, "linked 1 IDE servers of "+dir)
}
