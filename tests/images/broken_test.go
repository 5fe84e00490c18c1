package images

import (
	"encoding/binary"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"perch/tests/session"
	"perch/tests/vscode"
)

// breaks are ways to break an image that make one check fail, and no other; those
// after the first way, and those of several checks, are called after a colon.
var breaks = map[string]func(t *testing.T, root string){
	"system":               write("usr/lib/os-release", "ID=none\n"),
	"user":                 inBundle(`s/"noNewPrivileges": true/"noNewPrivileges": false/`),
	"uid mapping":          whenRun("uid_map", `ls() { echo "-rw-r--r-- 1 0 0 0 now owned"; }`),
	"root read-only":       inBundle(`s/"readonly": true/"readonly": false/`),
	"home":                 whenRun("pwd && printf", "cd /"),
	"scratch and tmp":      whenRun("XDG_RUNTIME_DIR", "unset XDG_RUNTIME_DIR"),
	"exit status":          whenRun("exit 7", "trap 'exit 0' EXIT"),
	"terminal":             remove("usr/bin/tty"),
	"sftp":                 whenRun("pwd && printf", `ln -s /proc/none "$HOME/sent"`),
	"forward to the job":   whenRun(".perch/sock", "_CONDOR_SCRATCH_DIR=/none"),
	"forward from the job": whenRun("/dev/tcp", "exit 1"),
	"agent":                remove("usr/bin/ssh-add"),
	"tools":                remove("usr/bin/tmux"),
	"C library":            remove("usr/bin/getconf"),
	"locale":               remove("usr/lib/locale/locale-archive"),
	"C program":            remove("usr/lib/gcc/*/*/cc1"),
	"C++ program":          remove("usr/lib/gcc/*/*/cc1plus"),
	"Python program":       remove("usr/lib/python3*/py_compile.py"),
	"Jupyter kernel":       remove("usr/lib/python3/dist-packages/ipykernel"),
	"git clone":            remove("usr/bin/git-upload-pack"),
	"VS Code server":       remove("usr/bin/gzip"),
	"user namespaces":      remove("usr/bin/unshare"),
	"permissions":          chmod("usr/bin/ls", 0o755|os.ModeSetuid),
	"secrets":              write("root/.netrc", "machine example.org password secret\n"),
	"leftovers":            write("var/cache/apt/archives/left.deb", "left"),
	"size":                 grow("usr/share/large", 4<<30),
	"stop":                 wrapEntrypoint("\"$0.real\" \"$@\"\nexit 3"),
	"entrypoint ready":     remove("usr/local/bin/perch-entrypoint"),

	"entrypoint ready: in time":                     wrapEntrypoint("sleep 300"),
	"user: capabilities":                            inBundle(`s/"capabilities": {}/"capabilities": {` + capabilities + `}/`),
	"user + uid mapping: root":                      inBundle(`s/"uid": 61234/"uid": 0/; s/"capabilities": {}/"capabilities": {` + capabilities + `}/`),
	"root read-only: /usr":                          inBundle(`/"destination": "\/usr"/,/}/s/"ro"/"rw"/`),
	"permissions: world-writable":                   chmod("usr/bin/ls", 0o777),
	"permissions: file capabilities":                setCapability("usr/bin/ls"),
	"secrets: a private key":                        write("root/deploy", "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEAAAAABG5vbmUAAAAEbm9uZQAAAAAAAAABAAAAMw\n"),
	"secrets: a registry's":                         write("root/.docker/config.json", `{"auths": {"registry.example.org": {"auth": "Y2k6d29yZA=="}}}`),
	"secrets: a mirror's":                           write("etc/apt/sources.list.d/site.list", "deb http://ci:word@mirror.example.org/debian bookworm main\n"),
	"leftovers: logs":                               write("var/log/dpkg.log", "installed"),
	"C program + C++ program + Python program: gdb": shadow("usr/bin/gdb", `case $* in *--version*) echo GNU gdb ;; *) echo "no ptrace"; exit 1 ;; esac`),
}

// capabilities are one of root's, so that a process has it from the start.
const capabilities = `"bounding": ["CAP_DAC_OVERRIDE"], "effective": ["CAP_DAC_OVERRIDE"], "inheritable": ["CAP_DAC_OVERRIDE"], "permitted": ["CAP_DAC_OVERRIDE"], "ambient": ["CAP_DAC_OVERRIDE"]`

// TestBrokenImages: each check fails where it should, and alone.
func TestBrokenImages(t *testing.T) {
	t.Parallel()
	server := vscode.Get(t)
	i := debian(t)
	sound := results(t, i, "", "")
	if missing := slices.DeleteFunc(slices.Sorted(maps.Keys(sound)), func(c string) bool { return breaks[c] != nil }); len(missing) > 0 {
		t.Errorf("nothing here breaks %q", missing)
	}
	for way, spoil := range breaks {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			root := overlay(t, i.tree)
			spoil(t, root)
			names, _, _ := strings.Cut(way, ":")
			archive := ""
			if names == "VS Code server" {
				archive = server.Archive
			}
			got := results(t, i, root, archive)
			if names == "entrypoint ready" {
				if len(got) != 1 || got[names] != "FAIL" {
					t.Errorf("got %v", got)
				}
				return
			}
			want := maps.Clone(sound)
			for check := range strings.SplitSeq(names, " + ") {
				want[check] = "FAIL"
			}
			if !maps.Equal(got, want) {
				for c := range want {
					if got[c] != want[c] {
						t.Errorf("%s: %q, want %q", c, got[c], want[c])
					}
				}
			}
		})
	}
}

// results are the words in the rows for an image's tree, or for a changed one.
func results(t *testing.T, i image, root, server string) map[string]string {
	t.Helper()
	if root == "" {
		root = i.tree
	}
	words := map[string]string{}
	for _, r := range smoked(t, i, root, server) {
		words[r.Check] = r.Status
	}
	return words
}

// smoked are the rows for a tree that is called as an image's.
func smoked(t *testing.T, i image, root, server string) []result {
	t.Helper()
	file := filepath.Join(t.TempDir(), "report.json")
	smoke := exec.Command(session.Program("perch-ci"), "smoke", "--images", i.images, "--environment", i.name,
		"--ide-server", server, "--json", file, root)
	smoke.Env = append(os.Environ(), "PATH="+filepath.Join(root, "../bin")+":"+os.Getenv("PATH")) // inBundle's
	out, err := smoke.CombinedOutput()
	if _, missing := os.Stat(file); missing != nil {
		t.Fatalf("perch-ci smoke: %v\n%s", err, out)
	}
	t.Logf("\n%s", out)
	return readReport(t, file)[0].Results
}

// overlay is a directory with what tree has, in which changes do not change
// tree.
func overlay(t *testing.T, tree string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"upper", "work", "root"} {
		if err := os.Mkdir(filepath.Join(dir, name), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	root := filepath.Join(dir, "root")
	options := "lowerdir=" + tree + ",upperdir=" + filepath.Join(dir, "upper") + ",workdir=" + filepath.Join(dir, "work")
	if err := unix.Mount("overlay", root, "overlay", 0, options); err != nil {
		t.Fatalf("mounting an overlay, which needs root: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(root, unix.MNT_DETACH); err != nil {
			t.Error(err)
		}
	})
	return root
}

// remove removes what pattern finds, of which there has to be something.
func remove(pattern string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		found, err := filepath.Glob(filepath.Join(root, pattern))
		if err != nil || len(found) == 0 {
			t.Fatalf("the image has no %s: %v", pattern, err)
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func write(path, content string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		file := filepath.Join(root, path)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func chmod(path string, mode os.FileMode) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		if err := os.Chmod(filepath.Join(root, path), mode); err != nil {
			t.Fatal(err)
		}
	}
}

// setCapability gives a file CAP_NET_RAW, as setcap(8) does with cap_net_raw=p:
// with "ep" nobody could run it where the capability is out of reach.
func setCapability(path string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		// struct vfs_cap_data of <linux/capability.h>, version 2.
		data := binary.LittleEndian.AppendUint32(nil, 0x0200_0000)
		data = binary.LittleEndian.AppendUint32(data, 1<<unix.CAP_NET_RAW)
		data = append(data, make([]byte, 12)...)
		if err := unix.Setxattr(filepath.Join(root, path), "security.capability", data, 0); err != nil {
			t.Fatal(err)
		}
	}
}

func grow(path string, size int64) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		write(path, "")(t, root)
		if err := os.Truncate(filepath.Join(root, path), size); err != nil {
			t.Fatal(err)
		}
	}
}

// inBundle has sed change the bundle before the real runc runs it.
func inBundle(edit string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		runc, err := exec.LookPath("runc")
		if err != nil {
			t.Fatal(err)
		}
		script := "#!/bin/sh\nfor a; do case $a in */bundle) sed -i '" + edit + "' \"$a/config.json\" ;; esac; done\nexec " + runc + " \"$@\"\n"
		write("../bin/runc", script)(t, root)
		chmod("../bin/runc", 0o755)(t, root)
	}
}

// whenRun has the image's bash do something before it runs a command that
// contains the given text.
func whenRun(text, do string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		write("etc/profile.d/broken.sh", "export BASH_ENV=/etc/broken.bash\n")(t, root)
		write("etc/broken.bash", "case $BASH_EXECUTION_STRING in\n*'"+text+"'*) "+do+" ;;\nesac\n")(t, root)
	}
}

// shadow puts a script in a program's place.
func shadow(path, script string) func(*testing.T, string) {
	return func(t *testing.T, root string) {
		if err := os.Rename(filepath.Join(root, path), filepath.Join(root, path+".real")); err != nil {
			t.Fatal(err)
		}
		write(path, "#!/bin/sh\n"+script+"\n")(t, root)
		chmod(path, 0o755)(t, root)
	}
}

// wrapEntrypoint has the job run something else, such as "$0.real".
func wrapEntrypoint(script string) func(*testing.T, string) {
	return shadow("usr/local/bin/perch-entrypoint", script)
}
