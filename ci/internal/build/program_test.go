package build

import (
	"os"
	"path/filepath"
	"testing"
)

func TestChoose(t *testing.T) {
	for _, c := range []struct {
		there       []string
		wanted, got string
		err         string
	}{
		{there: []string{"docker", "podman", "buildah"}, got: "buildah"},
		{there: []string{"docker", "podman"}, got: "podman"},
		{there: []string{"docker"}, got: "docker"},
		{there: []string{"docker", "buildah"}, wanted: "docker", got: "docker"},
		{there: []string{"buildah"}, wanted: "podman", got: "podman", err: "podman is not installed; install it first (Debian: apt-get install podman)"},
		{there: []string{"buildah"}, wanted: "make", err: `there is no builder "make"; there is: buildah, podman, docker`},
		{err: "buildah is not installed; install it first (Debian: apt-get install buildah)"},
	} {
		dir := t.TempDir()
		for _, name := range c.there {
			if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o755); err != nil {
				t.Fatal(err)
			}
		}
		t.Setenv("PATH", dir)
		got, err := choose(c.wanted)
		if got != c.got || (err == nil) != (c.err == "") || err != nil && err.Error() != c.err {
			t.Errorf("with %q, %q wanted: %q, %v; want %q, %q", c.there, c.wanted, got, err, c.got, c.err)
		}
	}
}
