package main

import (
	"os/exec"
	"strings"
	"testing"
)

// TestImports keeps out what the program in every job has no use for.
func TestImports(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").Output()
	if err != nil {
		t.Fatal(err)
	}
	unwanted := map[string]string{
		"net/http":                  "a job opens no ports and makes no requests",
		"github.com/spf13/viper":    "settings come from the job ad",
		"github.com/spf13/cobra":    "five commands need no framework",
		"github.com/fsnotify/":      "nothing is watched here",
		"perch/shim":                "imports go from the shim to the contract only",
		"github.com/gliderlabs/ssh": "the server is on x/crypto alone",
	}
	for _, path := range strings.Fields(string(out)) {
		for prefix, reason := range unwanted {
			if path == prefix || strings.HasPrefix(path, strings.TrimSuffix(prefix, "/")+"/") {
				t.Errorf("the entrypoint imports %s, but %s", path, reason)
			}
		}
	}
}
