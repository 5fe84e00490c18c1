package target

import (
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
)

// TestMain lets the tests start this program as another one that has a lock.
func TestMain(m *testing.M) {
	if dir := os.Getenv("PERCH_TEST_HOLD"); dir != "" {
		hold(dir)
	}
	os.Exit(m.Run())
}

// place gives the test a home, a state and a runtime folder of its own.
func place(t *testing.T) (home string) {
	t.Helper()
	home = t.TempDir()
	runtime := filepath.Join(home, "run")
	if err := os.Mkdir(runtime, 0o700); err != nil {
		t.Fatal(err)
	}
	t.Setenv("HOME", home)
	t.Setenv("XDG_STATE_HOME", filepath.Join(home, "state"))
	t.Setenv("XDG_RUNTIME_DIR", runtime)
	t.Chdir(home)
	return home
}

func write(t *testing.T, path string) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte("queue\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func resolve(t *testing.T, arg string) Target {
	t.Helper()
	got, err := Resolve(arg, "schedd", os.Getenv("XDG_STATE_HOME"))
	if err != nil {
		t.Fatalf("%q: %v", arg, err)
	}
	return got
}

// TestOneFileIsOneTarget, however it is named.
func TestOneFileIsOneTarget(t *testing.T) {
	home := place(t)
	jdl := write(t, filepath.Join(home, "JDLs", "a b.jdl"))
	if err := os.Symlink(jdl, filepath.Join(home, "link.jdl")); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("JDLs", filepath.Join(home, "other")); err != nil {
		t.Fatal(err)
	}
	want := resolve(t, "JDL:"+jdl)
	if want.JDL != jdl || want.Name != "a_b" {
		t.Errorf("got %+v", want)
	}
	for _, arg := range []string{jdl, "jdl:" + jdl, "JDL:JDLs/a b.jdl", "JDL:./JDLs/../JDLs//a b.jdl", "JDL:~/JDLs/a b.jdl",
		"JDL:link.jdl", "JDL:~/other/a b.jdl"} {
		if got := resolve(t, arg); got != want {
			t.Errorf("%q: got %+v, want %+v", arg, got, want)
		}
	}
}

// TestOtherFilesAreOtherTargets: a tool that strips letters off the name would
// take some of these for one.
func TestOtherFilesAreOtherTargets(t *testing.T) {
	home := place(t)
	long := strings.Repeat("n", 200)
	seen := map[string]string{}
	for _, name := range []string{"model.jdl", "mode.jdl", "modej.dl", "model", "model.JDL", "Model.jdl", "d/model.jdl",
		"a b.jdl", "a_b.jdl", "a\tb.jdl", "ä.jdl", "a\u0308.jdl", "\xff.jdl", ".jdl", "-.jdl", "a\n.jdl", `"'$(x)%h.jdl`, "*.jdl",
		long + "1.jdl", long + "2.jdl", "JDL:x.jdl", "x.jdl"} {
		path := write(t, filepath.Join(home, name))
		for _, queue := range []string{"local", "schedd"} {
			got, err := Resolve(path, queue, os.Getenv("XDG_STATE_HOME"))
			if err != nil {
				t.Fatalf("%q: %v", name, err)
			}
			for _, key := range []string{got.Hash, got.State, got.Runtime, got.HostKeyAlias()} {
				if other, there := seen[key]; there {
					t.Errorf("%q and %s share %q", name, other, key)
				}
				seen[key] = fmt.Sprintf("%q in %s", name, queue)
			}
			checkName(t, got.Name)
		}
	}
}

var safe = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,47}$`)

func checkName(t *testing.T, name string) {
	t.Helper()
	if !safe.MatchString(name) {
		t.Errorf("the name %q is not safe", name)
	}
}

func FuzzName(f *testing.F) {
	for _, path := range []string{"/a/model.jdl", "/.jdl", "/--.x", "/\xff\x00\n", "/a..jdl", "/" + strings.Repeat("ü", 99)} {
		f.Add(path)
	}
	f.Fuzz(func(t *testing.T, path string) { checkName(t, nameOf(path)) })
}

func TestHomeOfAnother(t *testing.T) {
	home := place(t)
	write(t, filepath.Join(home, "a.jdl"))
	me, err := user.Current()
	if err != nil {
		t.Fatal(err)
	}
	// Another's home is that of the account, not HOME.
	got, err := expandHome("~" + me.Username + "/JDLs/a.jdl")
	if want := filepath.Join(me.HomeDir, "JDLs/a.jdl"); err != nil || got != want {
		t.Errorf("got %q, %v; want %q", got, err, want)
	}
	if _, err := Resolve("JDL:~no-such-user/a.jdl", "q", os.Getenv("XDG_STATE_HOME")); err == nil || !strings.Contains(err.Error(), "give the full path") {
		t.Errorf("an unknown user: %v", err)
	}
	if got, err := expandHome("a~b"); err != nil || got != "a~b" {
		t.Errorf("a tilde in the middle: %q, %v", got, err)
	}
	t.Setenv("HOME", "")
	if _, err := Resolve("~/a.jdl", "q", os.Getenv("XDG_STATE_HOME")); err == nil || !strings.Contains(err.Error(), "give the full path") {
		t.Errorf("without HOME: %v", err)
	}
}

func TestBadTargets(t *testing.T) {
	home := place(t)
	if err := syscall.Mkfifo(filepath.Join(home, "pipe"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(home, "file"))
	if err := os.Symlink("loop", filepath.Join(home, "loop")); err != nil {
		t.Fatal(err)
	}
	for arg, want := range map[string]string{
		"":             "no submit description is named",
		"JDL:":         "no submit description is named",
		"JDL:gone.jdl": "there is no submit description " + home + "/gone.jdl; check the path",
		"JDL:.":        "is a directory; name the submit description in it",
		"pipe":         "is no regular file",
		"/dev/null":    "is no regular file",
		"file/x.jdl":   "check the path",
		"loop":         "check the path",
		"a\x00b":       "check the path",
	} {
		_, err := Resolve(arg, "q", os.Getenv("XDG_STATE_HOME"))
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q: error %v, want %q", arg, err, want)
		}
		if _, _, err := Known(arg); err == nil {
			t.Errorf("%q: Known has no error", arg)
		}
	}
}

// TestUnreadable runs as root, too, who may read everything: there the file
// system's word is the same as for others on a path that is too long.
func TestUnreadable(t *testing.T) {
	home := place(t)
	path := write(t, filepath.Join(home, "a.jdl"))
	if err := os.Chmod(path, 0); err != nil {
		t.Fatal(err)
	}
	_, err := Resolve(path, "q", os.Getenv("XDG_STATE_HOME"))
	if os.Getuid() != 0 && (err == nil || !strings.Contains(err.Error(), "check its permissions")) {
		t.Errorf("a file without permissions: %v", err)
	}
	if _, err := Resolve("/"+strings.Repeat("x", 300), "q", os.Getenv("XDG_STATE_HOME")); err == nil || !strings.Contains(err.Error(), "check the path") {
		t.Errorf("a name that is too long: %v", err)
	}
}
