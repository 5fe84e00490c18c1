package vscode

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestServer(t *testing.T) {
	server := Get(t)
	dir := t.TempDir()
	if out, err := exec.Command("tar", "-xzf", server.Archive, "-C", dir).CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	cmd := exec.Command(filepath.Join(dir, Top, "bin", "code-server-oss"), "--version")
	cmd.Env = append(os.Environ(), "HOME="+dir)
	out, err := cmd.Output()
	if err != nil || !strings.Contains(string(out), server.Commit) {
		t.Errorf("the server says %q, %v; want the commit %s", out, err, server.Commit)
	}
}

func TestNode(t *testing.T) {
	program, modules := Node(t)
	cmd := exec.Command(program, "-e", `console.log(process.version, typeof require("ssh2").Client, typeof require("playwright-core").chromium.launch)`)
	cmd.Env = append(os.Environ(), "NODE_PATH="+modules)
	out, err := cmd.CombinedOutput()
	if want := "v24.21.0 function function\n"; err != nil || string(out) != want {
		t.Errorf("node says %q, %v; want %q", out, err, want)
	}
}
