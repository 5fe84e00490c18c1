package main

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(buildM{m}, map[string]func(){"perch": main})
}

// buildM builds the programs that have to lie beside perch.
type buildM struct{ *testing.M }

func (m buildM) Run() int {
	for program, source := range map[string]string{"perch-ssh": "perch/shim/cmd/perch-ssh", "perch-entrypoint": "perch/entrypoint"} {
		build := exec.Command("go", "build", "-o", filepath.Join(beside(), program), source)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := build.CombinedOutput(); err != nil {
			fmt.Printf("building %s: %v\n%s", program, err, out)
			return 1
		}
	}
	return m.M.Run()
}

// beside is the directory in which testscript has put perch.
func beside() string {
	first, _, _ := strings.Cut(os.Getenv("PATH"), string(filepath.ListSeparator))
	return first
}

// TestScripts pins what perch and perch-ssh say and do, with the local engine
// and the machine's own ssh. UPDATE=1 writes the golden files anew.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                 "testdata/script",
		UpdateScripts:       os.Getenv("UPDATE") != "",
		RequireExplicitExec: true,
		Setup:               place,
	})
}

// place gives a script a home of its own, and ends its jobs with it.
func place(env *testscript.Env) error {
	work := env.WorkDir
	for name, value := range map[string]string{
		"HOME": work, "XDG_STATE_HOME": work + "/state", "XDG_CONFIG_HOME": work + "/config",
		"XDG_RUNTIME_DIR": work + "/run", "PERCH_ENGINE": "local",
	} {
		env.Setenv(name, value)
	}
	env.Defer(func() {
		jdls, _ := filepath.Glob(filepath.Join(work, "*.jdl"))
		for _, jdl := range jdls {
			stop := exec.Command(filepath.Join(beside(), "perch"), "stop", "--grace", "0s", jdl)
			stop.Env = env.Vars
			_ = stop.Run() // most are no jobs, and some no submit descriptions
		}
	})
	return os.Mkdir(work+"/run", 0o700)
}
