package stockssh

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestFind(t *testing.T) {
	dir := t.TempDir()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	real := filepath.Join(dir, "real", "ssh")
	for path, make := range map[string]func(string) error{
		"us/ssh":       func(p string) error { return os.Symlink(self, p) },
		"plain/ssh":    func(p string) error { return os.WriteFile(p, nil, 0o644) },
		"folder/ssh":   func(p string) error { return os.Mkdir(p, 0o755) },
		"dangling/ssh": func(p string) error { return os.Symlink("nothing", p) },
		"real/ssh":     func(p string) error { return os.WriteFile(p, []byte("#!/bin/sh\n"), 0o755) },
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := make(path); err != nil {
			t.Fatal(err)
		}
	}
	t.Chdir(filepath.Join(dir, "real"))
	bad := strings.ReplaceAll(":.:D/none:D/us:D/plain:D/folder:D/dangling", "D", dir)

	for _, c := range []struct{ name, path, env, configured, want string }{
		{"past all that is no ssh", bad + ":" + dir + "/real", "", "", real},
		{"nothing on PATH", bad, "", "", "no ssh on PATH; install"},
		{"configured", bad, "", real, real},
		{"environment before configuration", bad, real, "/none", real},
		{"configured: ourselves", dir + "/real", "", dir + "/us/ssh", "perch itself"},
		{"configured: missing", dir + "/real", "", "/none", "no such file"},
		{"configured: no program", dir + "/real", dir + "/plain/ssh", "", "cannot be run"},
		{"configured: relative", dir + "/real", "ssh", "", "no absolute path"},
		{"configured: a directory", dir + "/real", dir, "", "no file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Setenv("PATH", c.path)
			t.Setenv(Env, c.env)
			got, err := Find(c.configured)
			if err != nil {
				got = err.Error()
			}
			if got != c.want && (err == nil || !strings.Contains(got, c.want)) {
				t.Errorf("Find = %q, want %q", got, c.want)
			}
		})
	}
}
