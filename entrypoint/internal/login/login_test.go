package login

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestFindEntry(t *testing.T) {
	const passwd = "root:x:0:0:root:/root:/bin/bash\n# a comment\n+::::::\nbroken:x:7\nalice:x:1000:1000:A,,,:/home/alice:/bin/zsh\nbob:x:1000:1:::\nneg:x:-1:1:::\n"
	for _, test := range []struct {
		uid  int
		want Entry
		ok   bool
	}{
		{0, Entry{"root", "/root", "/bin/bash"}, true},
		{1000, Entry{"alice", "/home/alice", "/bin/zsh"}, true},
		{7, Entry{}, false},
		{-1, Entry{}, false},
	} {
		if got, ok := FindEntry(strings.NewReader(passwd), test.uid); got != test.want || ok != test.ok {
			t.Errorf("uid %d: got %+v, %v, want %+v, %v", test.uid, got, ok, test.want, test.ok)
		}
	}
}

func FuzzFindEntry(f *testing.F) {
	f.Add("root:x:0:0:root:/root:/bin/bash\n", 0)
	f.Add(":::::::\n\x00:x:4294967295:::::\n", -1)
	f.Fuzz(func(t *testing.T, passwd string, uid int) {
		entry, ok := FindEntry(strings.NewReader(passwd), uid)
		if ok && (entry.Name == "" || strings.ContainsAny(entry.Name+entry.Home+entry.Shell, ":\n")) {
			t.Errorf("got the entry %+v", entry)
		}
	})
}

// makeShells makes executables of these names in a new directory.
func makeShells(t *testing.T, names ...string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestShell(t *testing.T) {
	dir := makeShells(t, "zsh", "bash", "sh", "nologin")
	plain := makeShells(t, "sh")
	if err := os.WriteFile(filepath.Join(dir, "noexec"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	in := func(name string) string { return filepath.Join(dir, name) }
	for _, test := range []struct{ name, own, entry, path, want string }{
		{"the job's own", in("zsh"), in("sh"), dir, in("zsh")},
		{"the passwd entry's", "", in("zsh"), dir, in("zsh")},
		{"of a host that has another one", "/bin/nonesuch", in("zsh"), dir, in("zsh")},
		{"no shell at all", "", in("nologin"), dir, in("bash")},
		{"not executable", in("noexec"), "", dir, in("bash")},
		{"a relative name", "zsh", "", dir, in("bash")},
		{"a directory", dir, "", dir, in("bash")},
		{"bash before sh, wherever", "", "", plain + ":" + dir, in("bash")},
	} {
		if got := shell(test.own, test.entry, test.path); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestEnviron(t *testing.T) {
	a := Account{Name: "alice", Shell: "/bin/sh", Home: "/job", Tmp: "/job/tmp", Runtime: "/job/tmp/run",
		Job: []string{"HOME=/root", "PS1=x", "PROMPT_COMMAND=y", "_CONDOR_SLOT=slot1", "LANG=C", "DISPLAY=:0", "SSH_AUTH_SOCK=/tmp/agent", "TMUX=x", "TMPDIR=/tmp", "no assignment", "=x"}}
	want := []string{"HOME=/job", "LANG=POSIX", "LOGNAME=alice", "PATH=" + defaultPath, "SHELL=/bin/sh",
		"TMPDIR=/job/tmp", "USER=alice", "XDG_RUNTIME_DIR=/job/tmp/run", "_CONDOR_SLOT=slot1"}
	if got := a.Environ(map[string]string{"LANG": "POSIX", "HOME": "/no"}); !slices.Equal(got, want) {
		t.Errorf("got  %q\nwant %q", got, want)
	}
}

func TestAcceptable(t *testing.T) {
	for name, want := range map[string]bool{
		"LANG": true, "LC_ALL": true, "COLORTERM": true, "GIT_PROTOCOL": true, "VSCODE_X": true, "x1": true,
		"LD_PRELOAD": false, "LD_LIBRARY_PATH": false, "PATH": false, "HOME": false, "_CONDOR_SLOT": false,
		"BASH_ENV": false, "BASH_FUNC_x%%": false, "": false, "1x": false, "A=B": false, "A B": false, "Ä": false,
	} {
		if got := Acceptable(name, "value"); got != want {
			t.Errorf("Acceptable(%q): got %v", name, got)
		}
	}
	if Acceptable("LANG", "a\x00b") {
		t.Error("a value with a zero byte was accepted")
	}
}

// Whatever a client asks for, no program that runs gets a loader's variable or
// another home by it.
func FuzzAcceptable(f *testing.F) {
	f.Add("LANG", "C")
	f.Add("LD_PRELOAD", "x.so")
	f.Add("HOME", "\x00")
	f.Fuzz(func(t *testing.T, name, value string) {
		if !Acceptable(name, value) {
			return
		}
		environ := Account{Home: "/job"}.Environ(map[string]string{name: value})
		for _, assignment := range environ {
			if strings.HasPrefix(assignment, "LD_") || strings.HasPrefix(assignment, "HOME=") && assignment != "HOME=/job" || strings.Contains(assignment, "\x00") {
				t.Errorf("%q=%q leads to %q", name, value, assignment)
			}
		}
	})
}

func TestCommandWithoutShell(t *testing.T) {
	if _, err := (Account{}).Command("true", nil); err != ErrNoShell {
		t.Errorf("a command: got %v", err)
	}
	if _, err := (Account{}).LoginShell(nil); err != ErrNoShell {
		t.Errorf("a shell: got %v", err)
	}
}
