package vscode

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"perch/tests/cache"
	"perch/tests/pool"
)

// Server is a VS Code server as a client downloads it.
type Server struct {
	// Archive is the path of a tar.gz with one directory in it, Top, which has
	// node, bin/code-server-oss and out/server-main.js.
	Archive string
	// Commit is what the server answers to a request for /version.
	Commit string
}

// Top is the directory in Server.Archive, called as in Microsoft's.
const Top = "vscode-server-linux-x64"

// Get returns the server, which is built the first time.
func Get(t testing.TB) Server {
	t.Helper()
	pool.Requires(t, "python3", "make", "g++")
	tree, err := nodeTree(t)
	if err != nil {
		t.Fatal(err)
	}
	dir := cache.Dir("npm", codeServer+"+"+node)
	err = cache.Get(t.Context(), dir, func(ctx context.Context, part string) error {
		return build(ctx, tree, part)
	})
	if err != nil {
		t.Fatal(err)
	}
	commit, err := os.ReadFile(filepath.Join(dir, "commit"))
	if err != nil {
		t.Fatal(err)
	}
	return Server{Archive: filepath.Join(dir, "server.tar.gz"), Commit: string(commit)}
}

// native are the modules that are built here. The server's others that have
// native parts bring them along, or it does without.
var native = []string{"@vscode/spdlog", "@vscode/native-watchdog"}

// unused is what no test needs, below the server's top; it makes half of it.
var unused = []string{
	"extensions/copilot", "node_modules/@github", "node_modules/@microsoft/mxc-sdk", "node_modules/@devcontainers",
	"node_modules/@vscode/windows-*", "node_modules/node-pty/prebuilds/[dw]*", "node_modules/node-pty/third_party",
	"node_modules/node-pty/deps", "node_modules/@vscode/*/build/Release/obj*", "node_modules/@vscode/*/deps",
	"out/**/*.map",
}

// build makes dir with server.tar.gz and commit in it. Headers are those of the
// node in tree: without --nodedir, npm would fetch some.
func build(ctx context.Context, tree, dir string) error {
	unpacked := filepath.Join(dir, "unpacked")
	if err := unpack(ctx, codeServer, unpacked); err != nil {
		return err
	}
	top := filepath.Join(unpacked, "lib", "vscode")
	err := npm(ctx, top, tree, "install", "--omit=dev", "--ignore-scripts")
	if err == nil {
		err = npm(ctx, top, tree, append([]string{"rebuild", "--nodedir=" + tree}, native...)...)
	}
	if err != nil {
		return err
	}
	commit, err := readCommit(top)
	if err != nil {
		return err
	}
	if err := strip(top); err != nil {
		return err
	}
	return errors.Join(pack(ctx, tree, dir, top), os.WriteFile(filepath.Join(dir, "commit"), []byte(commit), 0o644),
		os.RemoveAll(unpacked))
}

func readCommit(top string) (string, error) {
	text, err := os.ReadFile(filepath.Join(top, "product.json"))
	if err != nil {
		return "", err
	}
	var product struct{ Commit string }
	if err := json.Unmarshal(text, &product); err != nil || len(product.Commit) != 40 {
		return "", fmt.Errorf("product.json: the commit is %q, %v", product.Commit, err)
	}
	return product.Commit, nil
}

func strip(top string) error {
	// ripgrep comes for each platform there is.
	patterns := append([]string{}, unused...)
	found, _ := filepath.Glob(filepath.Join(top, "node_modules/@vscode/ripgrep-universal/bin/*"))
	for _, dir := range found {
		if name := filepath.Base(dir); !strings.HasPrefix(name, "linux-"+map[string]string{"amd64": "x64"}[runtime.GOARCH]) {
			patterns = append(patterns, "node_modules/@vscode/ripgrep-universal/bin/"+name)
		}
	}
	for _, pattern := range patterns {
		found, err := filepath.Glob(filepath.Join(top, pattern))
		if err != nil {
			return err
		}
		for _, path := range found {
			if err := os.RemoveAll(path); err != nil {
				return err
			}
		}
	}
	return nil
}

func pack(ctx context.Context, tree, dir, top string) error {
	named := filepath.Join(dir, Top)
	if err := os.Rename(top, named); err != nil {
		return err
	}
	defer os.RemoveAll(named)
	if err := run(ctx, dir, nil, "cp", filepath.Join(tree, "bin", "node"), named); err != nil {
		return err
	}
	return run(ctx, dir, nil, "tar", "--owner=0", "--group=0", "-czf", "server.tar.gz", Top)
}
