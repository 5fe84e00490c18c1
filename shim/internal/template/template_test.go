package template

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/shim/internal/target"
)

func TestPrepare(t *testing.T) {
	t.Setenv("XDG_DATA_HOME", t.TempDir())
	t.Chdir(t.TempDir())
	for _, arg := range []string{"rocky9_gpu", "JDL:rocky9_gpu"} {
		if err := Prepare(arg); err != nil {
			t.Fatal(err)
		}
	}
	path, err := target.RealPath("JDL:rocky9_gpu")
	if err != nil || filepath.Base(path) != "rocky9_gpu.jdl" {
		t.Fatalf("%s, %v", path, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(text), "/rocky9\n") || !strings.Contains(string(text), "request_gpus    = 1\n") {
		t.Errorf("%s, %v", text, err)
	}
	before, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := Prepare("rocky9_gpu"); err != nil {
		t.Fatal(err)
	}
	if after, err := os.Stat(path); err != nil || !os.SameFile(before, after) {
		t.Errorf("written again, though it had not changed: %v", err)
	}
	// A file of that name is what is meant.
	if err := os.WriteFile("rocky9_gpu", []byte("queue\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if path, err := target.RealPath("rocky9_gpu"); err != nil || filepath.Base(path) != "rocky9_gpu" {
		t.Errorf("%s, %v", path, err)
	}
}

func TestPrepareOfNoTemplate(t *testing.T) {
	data := t.TempDir()
	t.Setenv("XDG_DATA_HOME", data)
	t.Chdir(t.TempDir())
	for _, arg := range []string{"", "JDL:", "rocky", "rocky9.jdl", "rocky9_", "rocky9_cpu", "../rocky9", "~/rocky9", "/rocky9", "ROCKY9"} {
		if err := Prepare(arg); err != nil {
			t.Errorf("%q: %v", arg, err)
		}
	}
	if entries, err := os.ReadDir(data); err != nil || len(entries) != 0 {
		t.Errorf("%v, %v", entries, err)
	}
}
