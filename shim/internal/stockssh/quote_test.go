package stockssh

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perch/shim/internal/sshargs"
)

// argumentsFile names where the role "arguments" writes its words.
const argumentsFile = "PERCH_TEST_ARGUMENTS"

func writeArguments(args []string) error {
	return os.WriteFile(os.Getenv(argumentsFile), []byte(strings.Join(args, "\n")), 0o600)
}

// TestProxyCommandWords has the stock ssh run a proxy command with odd words,
// once from its command line and once from the file, by each shell there is.
func TestProxyCommandWords(t *testing.T) {
	dir := t.TempDir()
	program := filepath.Join(dir, `it's 100%h "od\d" # $HOME ~ !x`)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(self, program); err != nil {
		t.Fatal(err)
	}
	target := testTarget(t, dir)
	target.ProxyCommand = []string{program, "", "~", "a=b", "*", `\`, `\\`, `\'`, `x\"y`, "!!", "'", "a  b ", "`id`", "ä", "%%d", "#"}
	config, err := target.Config()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target.ConfigFile, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	shells := 0
	for _, shell := range []string{"/bin/sh", "/bin/bash", "/bin/zsh", "/bin/tcsh", "/usr/bin/tcsh", "/usr/bin/fish"} {
		if _, err := os.Stat(shell); err != nil {
			continue
		}
		shells++
		lines := [][]string{argv(t, target, "JDL:x"), {"ssh", "-F", target.ConfigFile, target.Alias}}
		for _, line := range lines {
			got := runProxyCommand(t, shell, line)
			if diff := cmp.Diff(target.ProxyCommand, got); diff != "" {
				t.Errorf("%s, %d words: -want +got\n%s", shell, len(line), diff)
			}
		}
	}
	if shells == 0 {
		t.Error("no shell was tried")
	}
}

func runProxyCommand(t *testing.T, shell string, line []string) []string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "arguments")
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Env = append(os.Environ(), "SHELL="+shell, role+"=arguments", argumentsFile+"="+file)
	out, _ := cmd.CombinedOutput() // it passes no socket on, so ssh fails
	words, err := os.ReadFile(file)
	if err != nil {
		t.Fatalf("the proxy command did not run: %v\n%s", err, out)
	}
	return strings.Split(string(words), "\n")
}

func TestRefusedTargets(t *testing.T) {
	for name, spoil := range map[string]func(*Target){
		"blank in the alias":       func(t *Target) { t.Alias = "a b" },
		"option as alias":          func(t *Target) { t.Alias = "-oProxyCommand=x" },
		"no alias":                 func(t *Target) { t.Alias = "" },
		"line in the alias":        func(t *Target) { t.Alias = "a\nb" },
		"comma in the host key":    func(t *Target) { t.HostKeyAlias = "a,*" },
		"relative key":             func(t *Target) { t.IdentityFile = "key" },
		"variable in the key":      func(t *Target) { t.IdentityFile = "/${HOME}/key" },
		"line in known hosts":      func(t *Target) { t.KnownHosts = "/a\nProxyCommand evil" },
		"no config":                func(t *Target) { t.ConfigFile = "" },
		"no proxy command":         func(t *Target) { t.ProxyCommand = nil },
		"line in a proxy argument": func(t *Target) { t.ProxyCommand = []string{"/x", "a\nUser evil"} },
	} {
		target := testTarget(t, t.TempDir())
		spoil(&target)
		if line, err := target.Argv("ssh", sshargs.Line{Destination: "JDL:x"}); err == nil {
			t.Errorf("%s: Argv = %q, want an error", name, line)
		}
		if text, err := target.Config(); err == nil || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: Config = %q, %v; want an error of one line", name, text, err)
		}
	}
}

// FuzzProxyCommand has sh read the words again.
func FuzzProxyCommand(f *testing.F) {
	f.Add("/opt/perch/perch", "JDL:~/it's 100%.jdl")
	f.Add(`\'"`, "!\\!")
	f.Fuzz(func(t *testing.T, a, b string) {
		if hasControl(a + b) {
			return
		}
		out, err := exec.Command("sh", "-c", "printf '%s\\0' "+shellWords([]string{a, b})).Output()
		if err != nil || string(out) != a+"\x00"+b+"\x00" {
			t.Errorf("sh reads %q, %q as %q, %v", a, b, out, err)
		}
	})
}
