package home

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"perch/entrypoint/contract"
)

// env is an environment with a scratch directory, which is HOME, too.
func env(scratch string) func(string) string {
	return func(name string) string {
		return map[string]string{contract.EnvScratch: scratch, "HOME": scratch}[name]
	}
}

// short makes a directory with a path that is short enough for tmp/run in it.
func short(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("/tmp", "h")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}

func prepare(t *testing.T, root string) *Place {
	t.Helper()
	p, err := Prepare(env(root), Wishes{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.Close() })
	return p
}

func TestPrepare(t *testing.T) {
	root := short(t)
	p := prepare(t, root)
	if p.Tmp != root+"/tmp" || p.Runtime != root+"/tmp/run" || len(p.Found) > 0 {
		t.Errorf("got %+v", p)
	}
	for name, mode := range map[string]os.FileMode{".perch": 0o700, ".vscode-server": 0o700, "scratch": 0o700, "tmp": 0o700, "tmp/run": 0o700} {
		if info, err := os.Stat(filepath.Join(root, name)); err != nil || !info.IsDir() || info.Mode().Perm() != mode {
			t.Errorf("%s: got %v, %v", name, info, err)
		}
	}
	again := prepare(t, root)
	if again.Runtime != p.Runtime || len(again.Found) > 0 {
		t.Errorf("a second time: got %+v", again)
	}
}

// What HTCondor or the user has put there already is used.
func TestNamesThatAreThere(t *testing.T) {
	root, elsewhere := short(t), short(t)
	os.Mkdir(filepath.Join(root, "tmp"), 0o1777)
	os.Symlink(elsewhere, filepath.Join(root, "scratch"))
	os.WriteFile(filepath.Join(root, ".vscode-server"), nil, 0o600)
	os.Mkdir(filepath.Join(root, ".perch"), 0o755)
	p := prepare(t, root)
	if p.Tmp != root+"/tmp" || len(p.Found) != 1 || !strings.Contains(p.Found[0].Text, ".vscode-server") {
		t.Errorf("got %+v", p)
	}
	if info, _ := os.Stat(p.Dir); info.Mode().Perm() != 0o700 {
		t.Errorf("%s has mode %v", p.Dir, info.Mode())
	}
}

func TestRefusedDir(t *testing.T) {
	for name, make := range map[string]func(path string) error{
		"a link": func(path string) error { return os.Symlink(os.TempDir(), path) },
		"a file": func(path string) error { return os.WriteFile(path, nil, 0o600) },
	} {
		root := short(t)
		if err := make(filepath.Join(root, contract.Dir)); err != nil {
			t.Fatal(err)
		}
		if _, err := Prepare(env(root), Wishes{}); err == nil || !strings.Contains(err.Error(), "in the way") {
			t.Errorf("%s for %s: got %v", name, contract.Dir, err)
		}
	}
}

func TestLongTmp(t *testing.T) {
	for name, setUp := range map[string]func(root string){
		"nothing there":       func(string) {},
		"HTCondor's tmp":      func(root string) { os.Mkdir(filepath.Join(root, "tmp"), 0o777) },
		"a file called tmp":   func(root string) { os.WriteFile(filepath.Join(root, "tmp"), nil, 0o600) },
		"a link to nowhere":   func(root string) { os.Symlink("/nonesuch", filepath.Join(root, "tmp")) },
		"a tmp/run of theirs": func(root string) { os.MkdirAll(filepath.Join(root, "tmp/run"), 0o777) },
	} {
		t.Run(name, func(t *testing.T) {
			root := filepath.Join(short(t), strings.Repeat("x", maxTmp))
			if err := os.Mkdir(root, 0o700); err != nil {
				t.Fatal(err)
			}
			setUp(root)
			p := prepare(t, root)
			for _, dir := range []string{p.Tmp, p.Runtime} {
				if info, err := os.Stat(dir); err != nil || info.Mode().Perm() != 0o700 || len(dir) > maxTmp {
					t.Errorf("%s: got %v, %v", dir, info, err)
				}
			}
			if err := p.Close(); err != nil {
				t.Error(err)
			}
			if _, err := os.Stat(p.Tmp); err == nil {
				t.Errorf("%s is left", p.Tmp)
			}
		})
	}
}

func TestFind(t *testing.T) {
	root := short(t)
	for _, test := range []struct{ scratch, home, want, problem string }{
		{root, "/nonesuch", root, ""},
		{"", root + "/", root, ""},
		{"/nonesuch", root, root, ""},
		{"", "", "", "neither"},
		{"relative", "", "", "no absolute path"},
		{"/nonesuch", "/nonesuch2", "", "/nonesuch:"},
	} {
		got, err := Find(func(name string) string {
			return map[string]string{contract.EnvScratch: test.scratch, "HOME": test.home}[name]
		})
		if got != test.want || (err == nil) != (test.problem == "") || err != nil && !strings.Contains(err.Error(), test.problem) {
			t.Errorf("scratch %q and HOME %q: got %q, %v", test.scratch, test.home, got, err)
		}
	}
}

func TestFallbackIsSaid(t *testing.T) {
	root := short(t)
	p, err := Prepare(func(name string) string {
		return map[string]string{contract.EnvScratch: "/nonesuch", "HOME": root}[name]
	}, Wishes{})
	if err != nil || p.Home != root || len(p.Found) != 1 || !strings.Contains(p.Found[0].Text, "/nonesuch") {
		t.Errorf("got %+v, %v", p, err)
	}
}

func TestTakeKeys(t *testing.T) {
	root := short(t)
	p := prepare(t, root)
	give := func(name, content string) {
		if err := os.WriteFile(filepath.Join(root, name), []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if _, _, err := p.TakeKeys(); err == nil || !strings.Contains(err.Error(), contract.HostKeyFile) {
		t.Errorf("without keys: got %v", err)
	}
	give(contract.HostKeyFile, "host")
	give(contract.AuthorizedKeysFile, "users")
	for range 2 { // the second time they are in .perch already
		host, users, err := p.TakeKeys()
		if string(host) != "host" || string(users) != "users" || err != nil {
			t.Errorf("got %q, %q, %v", host, users, err)
		}
	}
	info, err := os.Stat(p.Path(contract.HostKeyName))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the host key: got %v, %v", info, err)
	}
	give(contract.AuthorizedKeysFile, strings.Repeat("x", maxKeyFile+1))
	if _, _, err := p.TakeKeys(); err == nil {
		t.Error("a file that is too long was taken")
	}
}

func TestCopyProgram(t *testing.T) {
	p := prepare(t, short(t))
	for range 2 {
		if err := p.CopyProgram(); err != nil {
			t.Fatal(err)
		}
	}
	self, _ := os.Stat("/proc/self/exe")
	info, err := os.Stat(p.Path(contract.ProgramName))
	if err != nil || info.Size() != self.Size() || info.Mode().Perm() != 0o700 {
		t.Errorf("got %v, %v", info, err)
	}
	if entries, _ := filepath.Glob(p.Path(contract.ProgramName) + "*"); len(entries) != 1 {
		t.Errorf("left in %s: %v", p.Dir, entries)
	}
}

// A directory that another user has put there is not taken: it is the owner's.
func TestPrivateDirOfAnotherUser(t *testing.T) {
	if os.Getuid() != 0 {
		t.Fatal("run the tests as root: only root can give a directory away")
	}
	path := filepath.Join(t.TempDir(), "dir")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	if err := privateDir(path); err == nil || !strings.Contains(err.Error(), "belongs to the user 12345") {
		t.Errorf("got %v", err)
	}
}

// BenchmarkPrepare prepares a home in which nothing is wrong.
func BenchmarkPrepare(b *testing.B) {
	for b.Loop() {
		b.StopTimer()
		root, err := os.MkdirTemp("/tmp", "h")
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		p, err := Prepare(env(root), Wishes{})
		if err != nil {
			b.Fatal(err)
		}
		b.StopTimer()
		p.Close()
		os.RemoveAll(root)
		b.StartTimer()
	}
}
