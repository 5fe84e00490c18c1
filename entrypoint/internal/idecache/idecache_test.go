package idecache

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const commit = "0123456789abcdef0123456789abcdef01234567"

// archive makes a tar.gz; a content that begins with -> is a link's target.
func archive(t testing.TB, files ...[2]string) []byte {
	t.Helper()
	var b bytes.Buffer
	zip := gzip.NewWriter(&b)
	w := tar.NewWriter(zip)
	for _, f := range files {
		h := &tar.Header{Name: f[0], Mode: 0o4755, Size: int64(len(f[1])), Typeflag: tar.TypeReg}
		if target, ok := strings.CutPrefix(f[1], "->"); ok {
			h.Typeflag, h.Linkname, h.Size, f[1] = tar.TypeSymlink, target, 0, ""
		}
		if err := w.WriteHeader(h); err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write([]byte(f[1])); err != nil {
			t.Fatal(err)
		}
	}
	if w.Close() != nil || zip.Close() != nil {
		t.Fatal("closing the archive")
	}
	return b.Bytes()
}

func server(t testing.TB, commit string) []byte {
	return archive(t, [2]string{"vscode-server-linux-x64/product.json", fmt.Sprintf(`{"commit":%q,"quality":"stable","serverDataFolderName":".vscode-server"}`, commit)},
		[2]string{"vscode-server-linux-x64/bin/code-server", "#!/bin/sh\necho served from \"$(dirname \"$(dirname \"$(readlink -f \"$0\")\")\")\"\n"},
		[2]string{"vscode-server-linux-x64/node", "->bin/code-server"})
}

func put(t testing.TB, content []byte, path ...string) string {
	t.Helper()
	name := filepath.Join(path...)
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, content, 0o644); err != nil {
		t.Fatal(err)
	}
	return name
}

func cached(t testing.TB) string {
	t.Helper()
	dir, from := t.TempDir(), t.TempDir()
	for _, file := range []string{put(t, server(t, commit), from, "server.tar.gz"), put(t, archive(t, [2]string{"code", "CLI"}), from, "vscode-cli-"+commit+".tar.gz")} {
		if _, added, err := Add(dir, file, ""); err != nil || !added {
			t.Fatalf("adding %s: %v, %v", file, added, err)
		}
	}
	return dir
}

func TestAddAndLink(t *testing.T) {
	dir, home := cached(t), t.TempDir()
	put(t, []byte(`{"a":1}`), dir, ".vscode-server/data/Machine/settings.json")
	put(t, []byte("x"), dir, ".vscode-server/extensions/a.b-1/package.json")
	put(t, []byte("mine"), home, ".vscode-server/extensions/c.d-1/package.json")
	for range 2 {
		if n, err := Link(dir, home, ""); n != 1 || err != nil {
			t.Fatalf("got %d, %v", n, err)
		}
	}
	for name, want := range map[string]string{
		"code-" + commit: "CLI", "cli/servers/Stable-" + commit + "/server/bin/code-server": "#!", "bin/" + commit + "/bin/code-server": "#!",
		"data/Machine/settings.json": `{"a":1}`, "extensions/a.b-1/package.json": "x", "extensions/c.d-1/package.json": "mine",
	} {
		if got, err := os.ReadFile(filepath.Join(home, ".vscode-server", name)); err != nil || !strings.HasPrefix(string(got), want) {
			t.Errorf("%s: got %.20q, %v", name, got, err)
		}
	}
	// What an IDE writes beside the server stays in the home.
	put(t, nil, home, ".vscode-server/cli/servers/Stable-"+commit+"/log.txt")
	put(t, nil, home, ".vscode-server/bin/"+commit+"/vscode-remote-lock.u."+commit)
	filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if info, _ := d.Info(); strings.Contains(path, "lock") || strings.HasSuffix(path, "log.txt") || info.Mode()&(fs.ModeSetuid|0o022) != 0 && d.Type().IsRegular() {
			t.Errorf("in the cache: %s %v", path, info.Mode())
		}
		return err
	})
}

func TestLinkHarmsNothing(t *testing.T) {
	dir, home := cached(t), t.TempDir()
	put(t, []byte("mine"), home, ".vscode-server/code-"+commit)
	put(t, []byte("mine"), home, ".vscode-server/bin", commit, "product.json")
	put(t, []byte("mine"), home, ".vscode-server/cli/servers/Stable-"+commit+"/server/product.json")
	if _, err := Link(dir, home, ""); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"code-" + commit, "bin/" + commit + "/product.json", "cli/servers/Stable-" + commit + "/server/product.json"} {
		if got, _ := os.ReadFile(filepath.Join(home, ".vscode-server", name)); string(got) != "mine" {
			t.Errorf("%s was replaced: %q", name, got)
		}
	}
	if _, err := os.Lstat(filepath.Join(home, ".vscode-server/bin", commit, "node")); err == nil {
		t.Error("a server of the user's was mixed with the cache's")
	}
}

// A directory is taken as its archive is, and comes once.
func TestAddDirectory(t *testing.T) {
	dir, again := cached(t), t.TempDir()
	from := filepath.Join(dir, ".vscode-server/cli/servers/Stable-"+commit+"/server")
	if e, added, err := Add(again, from, ""); err != nil || !added || e.Commit != commit {
		t.Errorf("got %+v, %v, %v", e, added, err)
	}
	if _, added, err := Add(again, from, commit); err != nil || added {
		t.Errorf("a second time: got %v, %v", added, err)
	}
	if target, err := os.Readlink(filepath.Join(again, ".vscode-server/cli/servers/Stable-"+commit+"/server/node")); target != "bin/code-server" {
		t.Errorf("the link: got %q, %v", target, err)
	}
}

func TestRefused(t *testing.T) {
	for name, content := range map[string][]byte{
		"up":              archive(t, [2]string{"../x", "x"}),
		"absolute":        archive(t, [2]string{"/x", "x"}),
		"a link out":      archive(t, [2]string{"a/b", "->../../etc"}),
		"a link to root":  archive(t, [2]string{"a", "->/etc"}),
		"by a link":       archive(t, [2]string{"a", "->."}, [2]string{"a/../../x", "x"}),
		"twice":           archive(t, [2]string{"a", "x"}, [2]string{"a", "y"}),
		"nothing":         archive(t),
		"no archive":      []byte("not a tar"),
		"a stray commit":  archive(t, [2]string{"product.json", `{"commit":"../../x"}`}),
		"a stray product": archive(t, [2]string{"product.json", `{"commit":"` + commit + `","serverDataFolderName":"../x-server"}`}),
		"no commit":       archive(t, [2]string{"code", "x"}),
	} {
		dir := t.TempDir()
		if _, _, err := Add(dir, put(t, content, t.TempDir(), "x.tar.gz"), ""); err == nil {
			t.Errorf("%s: taken", name)
		}
		if left, _ := os.ReadDir(dir); len(left) > 0 {
			t.Errorf("%s: left %v", name, left)
		}
	}
}

func TestDevicesAndBombs(t *testing.T) {
	var b bytes.Buffer
	w := tar.NewWriter(&b)
	if err := w.WriteHeader(&tar.Header{Name: "null", Typeflag: tar.TypeChar, Devmajor: 1, Devminor: 3}); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for name, test := range map[string]struct {
		content []byte
		left    bounds
	}{
		"a device": {b.Bytes(), bounds{9, 9}},
		"many":     {archive(t, [2]string{"a", ""}, [2]string{"b", ""}), bounds{1, 9}},
		"much":     {archive(t, [2]string{"a", strings.Repeat("x", 100)}), bounds{9, 99}},
	} {
		root, err := os.OpenRoot(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		if err := unpack(bytes.NewReader(test.content), root, test.left); err == nil {
			t.Errorf("%s: taken", name)
		}
		root.Close()
	}
}

func TestPrune(t *testing.T) {
	dir, from := t.TempDir(), t.TempDir()
	var commits []string
	for i := range 4 {
		c := fmt.Sprintf("%040x", i)
		commits = append(commits, c)
		if _, _, err := Add(dir, put(t, server(t, c), from, c+".tar.gz"), ""); err != nil {
			t.Fatal(err)
		}
		at := time.Unix(int64(1000+i), 0)
		os.Chtimes(filepath.Join(dir, ".vscode-server/cli/servers/Stable-"+c), at, at)
	}
	if removed, err := Prune(dir, 2); len(removed) != 2 || err != nil {
		t.Errorf("got %v, %v", removed, err)
	}
	left, err := List(dir)
	if len(left) != 2 || err != nil || left[0].Commit != commits[3] || left[1].Commit != commits[2] {
		t.Errorf("left: %+v, %v", left, err)
	}
	if files, _ := os.ReadDir(dir); len(files) != 1 {
		t.Errorf("left in the cache: %v", files)
	}
}

func TestCommand(t *testing.T) {
	dir := t.TempDir()
	file := put(t, server(t, commit), t.TempDir(), "s.tar.gz")
	for _, test := range []struct {
		args []string
		code int
		says string
	}{
		{[]string{"add", "--dir", dir, file}, 0, "added .vscode-server " + commit + " server\n"},
		{[]string{"add", "--dir", dir, file}, 0, "is there already"},
		{[]string{"list", "--dir", dir}, 0, commit},
		{[]string{"prune", "--dir", dir, "--keep", "0"}, 0, "removed .vscode-server " + commit},
		{[]string{"prune", "--dir", dir}, 64, "--keep N"},
		{[]string{"add", "--dir", dir}, 64, "wants an archive"},
		{[]string{"add", "--dir", dir, "/nonesuch"}, 1, "no such file"},
		{[]string{"dance"}, 64, "usage:"}, {nil, 64, "usage:"},
	} {
		var out bytes.Buffer
		if code := Command(test.args, &out, &out); code != test.code || !strings.Contains(out.String(), test.says) {
			t.Errorf("%q: got %d, %q", test.args, code, &out)
		}
	}
}

// Whatever an archive has, nothing of it is outside of the directory, and
// nothing in it leads out.
func FuzzUnpack(f *testing.F) {
	f.Add(server(f, commit))
	f.Add(archive(f, [2]string{"../x", "x"}, [2]string{"a", "->/etc"}))
	f.Add(archive(f, [2]string{"a", "->b"}, [2]string{"b/c", "x"}, [2]string{"a/d", "y"}))
	f.Fuzz(func(t *testing.T, content []byte) {
		top := t.TempDir()
		dir := filepath.Join(top, "in")
		if err := os.Mkdir(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		root, err := os.OpenRoot(dir)
		if err != nil {
			t.Fatal(err)
		}
		defer root.Close()
		unpack(io.LimitReader(bytes.NewReader(content), 1<<20), root, bounds{100, 1 << 20})
		if files, _ := os.ReadDir(top); len(files) != 1 {
			t.Errorf("outside: %v", files)
		}
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if d != nil && d.Type()&fs.ModeSymlink == 0 && !d.IsDir() && !d.Type().IsRegular() {
				t.Errorf("%s is a %v", path, d.Type())
			}
			return nil
		})
	})
}

// BenchmarkLink has what is on top of a real server, which is all that is linked,
// and forty extensions.
func BenchmarkLink(b *testing.B) {
	dir := cached(b)
	server := filepath.Join(dir, ".vscode-server/cli/servers/Stable-"+commit+"/server")
	for _, name := range []string{"LICENSE", "extensions", "node_modules", "out", "package.json"} {
		put(b, []byte("x"), server, name)
	}
	for n := range 40 {
		put(b, []byte("{}"), dir, fmt.Sprintf(".vscode-server/extensions/site.number%d-1.0.0/package.json", n))
	}
	for b.Loop() {
		b.StopTimer()
		home := b.TempDir()
		b.StartTimer()
		if n, err := Link(dir, home, ""); n != 1 || err != nil {
			b.Fatalf("got %d, %v", n, err)
		}
	}
}
