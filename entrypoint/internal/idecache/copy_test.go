package idecache

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestLinkPatchable: where servers patch their node, each has one of its own, and
// finds it; one that the site has patched is linked as ever.
func TestLinkPatchable(t *testing.T) {
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	linker := interpreter(shell)
	if linker == "" {
		t.Fatalf("%s names no interpreter", shell)
	}
	node, err := os.ReadFile(shell)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	const start = "#!/bin/sh\nreadlink -f \"$0\"\n"
	from := put(t, archive(t, [2]string{"vscode-server-linux-x64/product.json", fmt.Sprintf(`{"commit":%q}`, commit)},
		[2]string{"vscode-server-linux-x64/bin/code-server", start}, [2]string{"vscode-server-linux-x64/bin/remote-cli/code", "->../code-server"},
		[2]string{"vscode-server-linux-x64/out/main.js", "main"}, [2]string{"vscode-server-linux-x64/node", string(node)}), t.TempDir(), "server.tar.gz")
	if _, _, err := Add(dir, from, ""); err != nil {
		t.Fatal(err)
	}
	for wanted, own := range map[string]bool{"/other" + linker: true, linker: false, "": false} {
		home := t.TempDir()
		if n, err := Link(dir, home, wanted); n != 1 || err != nil {
			t.Fatalf("for %q: got %d, %v", wanted, n, err)
		}
		for _, server := range []string{"bin/" + commit, "cli/servers/Stable-" + commit + "/server"} {
			server = filepath.Join(home, ".vscode-server", server)
			for name, copied := range map[string]bool{"node": own, "bin/code-server": own, "bin/remote-cli/code": own, "out/main.js": false, "product.json": false} {
				at, err := filepath.EvalSymlinks(filepath.Join(server, name))
				if err != nil || strings.HasPrefix(at, home) != copied {
					t.Errorf("for %q: %s is %s, %v", wanted, name, at, err)
				}
			}
			if interpreter(filepath.Join(server, "node")) != linker {
				t.Errorf("for %q: the node in %s is another", wanted, server)
			}
		}
		if n, err := Link(dir, home, "/yet/another"); n != 1 || err != nil {
			t.Fatalf("again: got %d, %v", n, err)
		}
		for _, server := range []string{"bin/" + commit, "cli/servers/Stable-" + commit + "/server"} {
			if at, err := filepath.EvalSymlinks(filepath.Join(home, ".vscode-server", server, "node")); err != nil || !strings.HasPrefix(at, home) {
				t.Errorf("for %q, and then another: the node in %s is %s, %v", wanted, server, at, err)
			}
		}
		if left, _ := filepath.Glob(filepath.Join(home, ".vscode-server/bin/.*")); len(left) > 0 {
			t.Errorf("for %q: left %q", wanted, left)
		}
		if own {
			if err := os.WriteFile(filepath.Join(home, ".vscode-server/bin", commit, "node"), nil, 0o700); err != nil {
				t.Errorf("the node cannot be patched: %v", err)
			}
		}
	}
}

// TestCopiesBounded: where copying takes long, only the newest server of each product
// has one, and the other is named.
func TestCopiesBounded(t *testing.T) {
	const older = "fedcba9876543210fedcba9876543210fedcba98"
	dir, home := cached(t), t.TempDir()
	if _, _, err := Add(dir, put(t, server(t, older), t.TempDir(), "server.tar.gz"), ""); err != nil {
		t.Fatal(err)
	}
	age(t, filepath.Join(dir, ".vscode-server/cli/servers/Stable-"+older))
	const other = ".other-server/bin/" + commit
	if err := os.CopyFS(filepath.Join(dir, other), os.DirFS(filepath.Join(dir, ".vscode-server/cli/servers/Stable-"+commit, "server"))); err != nil {
		t.Fatal(err)
	}
	n, err := linkAll(dir, home, &copies{linker: "/other", until: time.Now(), made: map[string]bool{}})
	if n != 2 || err == nil || !strings.Contains(err.Error(), older) {
		t.Errorf("got %d, %v", n, err)
	}
	bin := filepath.Join(home, ".vscode-server/bin")
	if !isServer(filepath.Join(bin, commit)) || !isServer(filepath.Join(home, other)) || isServer(filepath.Join(bin, older)) {
		t.Error("it is not the newest that was copied")
	}
	killed, copying := filepath.Join(bin, partPrefix+"1"), filepath.Join(bin, partPrefix+"2")
	put(t, nil, killed, "node")
	put(t, nil, copying, "node")
	age(t, killed)
	if n, err := Link(dir, home, "/other"); n != 3 || err != nil {
		t.Errorf("with time: got %d, %v", n, err)
	}
	if left, _ := filepath.Glob(filepath.Join(bin, partPrefix+"*")); len(left) != 1 || left[0] != copying {
		t.Errorf("half-made: %q; want %s alone", left, copying)
	}
}

func age(t *testing.T, path string) {
	t.Helper()
	old := time.Now().Add(-2 * stale)
	if err := os.Chtimes(path, old, old); err != nil {
		t.Fatal(err)
	}
}

// BenchmarkLinkCopied is BenchmarkLink where the server patches its node, of which
// the job has a copy, 120 MB; on file systems that share blocks it takes none.
func BenchmarkLinkCopied(b *testing.B) {
	dir := cached(b)
	shell, err := filepath.EvalSymlinks("/bin/sh")
	if err != nil {
		b.Fatal(err)
	}
	program, err := os.ReadFile(shell)
	if err != nil {
		b.Fatal(err)
	}
	server := filepath.Join(dir, ".vscode-server/cli/servers/Stable-"+commit+"/server")
	if err := os.Remove(filepath.Join(server, "node")); err != nil && !os.IsNotExist(err) {
		b.Fatal(err)
	}
	put(b, append(program, make([]byte, 120<<20)...), server, "node")
	for b.Loop() {
		b.StopTimer()
		home, err := os.MkdirTemp(b.TempDir(), "")
		if err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
		if n, err := Link(dir, home, "/of/a/sysroot"); n != 1 || err != nil {
			b.Fatalf("got %d, %v", n, err)
		}
		b.StopTimer()
		if info, err := os.Lstat(filepath.Join(home, ".vscode-server/bin", commit, "node")); err != nil || !info.Mode().IsRegular() {
			b.Fatalf("the node: %v, %v", info, err)
		}
		if err := os.RemoveAll(home); err != nil {
			b.Fatal(err)
		}
		b.StartTimer()
	}
}
