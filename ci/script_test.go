package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(tidyM{m}, map[string]func(){"perch-ci": main})
}

// tidyM removes what the tests share once all have run.
type tidyM struct{ *testing.M }

func (m tidyM) Run() int {
	defer func() { os.RemoveAll(kitDir) }()
	return m.M.Run()
}

// TestScripts pins what perch-ci says. $ONLY is a PATH on which nothing but
// perch-ci is found.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:           "testdata/script",
		UpdateScripts: os.Getenv("UPDATE") != "",
		Setup: func(env *testscript.Env) error {
			only, _, _ := strings.Cut(env.Getenv("PATH"), string(filepath.ListSeparator))
			env.Setenv("ONLY", only)
			env.Setenv("XDG_CACHE_HOME", filepath.Join(env.WorkDir, "cache"))
			return nil
		},
	})
}
