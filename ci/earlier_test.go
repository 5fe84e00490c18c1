package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/ci/internal/tool"
)

// No SIF of an earlier image stays beside a new archive; with Apptainer it is made
// anew.
func TestBuildBesideAnEarlierSIF(t *testing.T) {
	k := needKit(t)
	dir := ownStorage(t)
	images := smallEnvironment(t, dir, "")
	writeImage(t, filepath.Join(dir, "base.tar"), "packages")
	out := filepath.Join(dir, "out")
	sif := filepath.Join(out, "small.sif")
	if err := os.Mkdir(out, 0o755); err != nil {
		t.Fatal(err)
	}
	writeFile(t, sif, "earlier")
	_, stderr, err := k.run("build", "small", "--images", images, "--entrypoint", k.entrypoint, "--base", "oci-archive:"+dir+"/base.tar:image", "-o", out)
	if err != nil {
		t.Fatalf("%v\n%s", err, stderr)
	}
	if content, _ := os.ReadFile(sif); string(content) == "earlier" {
		t.Errorf("%s is still the earlier one", sif)
	}
	if said := strings.Contains(stderr, "perch-ci: "+sif+" was of an earlier image and is removed; install Apptainer"); said == tool.Have("apptainer") {
		t.Errorf("it says\n%s", stderr)
	}
}
