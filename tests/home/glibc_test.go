package home

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"perch/tests/pool"
	"perch/tests/session"
	"perch/tests/vscode"
)

// Nothing older than VS Code's server needs can be had from Debian's mirrors.
// These tests change the version that the image's C library says it has, and
// which the server's own check reads: the library itself is as new as before. A
// program that the image really is too old for is Debian 13's patchelf.

// version asks a server's node, in its directory, which library it runs with.
const version = "/node -p 'process.report.getReport().header.glibcVersionRuntime'"

// calledOld has the image's C library say that it is of version 2.17.
func (c *container) calledOld() {
	c.t.Helper()
	const place = "/usr/lib/x86_64-linux-gnu/libc.so.6"
	content, err := os.ReadFile(filepath.Join(c.spec.Root.Path, place))
	if err != nil {
		c.t.Fatal(err)
	}
	older := regexp.MustCompile(`release version 2\.\d\d`).ReplaceAll(content, []byte("release version 2.17"))
	if bytes.Equal(older, content) {
		c.t.Fatal("this C library does not say its version")
	}
	c.write("libc.so.6", string(older))
	if err := os.Chmod(filepath.Join(c.dir, "libc.so.6"), 0o755); err != nil {
		c.t.Fatal(err)
	}
	c.show(filepath.Join(c.dir, "libc.so.6"), place)
}

// TestLibraryCalledOld: the server's check refuses, and ours says what to do.
func TestLibraryCalledOld(t *testing.T) {
	c := newContainer(t)
	c.calledOld()
	_, dir := c.withServer(t)
	c.start()
	out, code := c.ssh("", "job", dir+"/bin/helpers/check-requirements.sh")
	if code != 99 || !strings.Contains(out, "Missing GLIBC >= 2.28!") {
		t.Errorf("the server's check: exit status %d, %s", code, out)
	}
	c.says("/srv/perch-entrypoint check", "the image has glibc 2.17, VS Code's server needs 2.28; use a newer image, or name a sysroot by +PerchSysroot")
}

// TestLibraryCalledOldWithSysroot: the server starts, by a node that it has
// patched itself and that runs with the sysroot's libraries. What is started in
// it, such as a terminal, has the image's.
func TestLibraryCalledOldWithSysroot(t *testing.T) {
	c := newContainer(t, `PerchSysroot = "/opt"`)
	c.calledOld()
	c.show(pool.Sysroot(t), "/opt")
	server, dir := c.withServer(t)
	c.start()
	c.says("/srv/perch-entrypoint check", "VS Code's server is led to the libraries in /opt")
	c.says(dir+"/bin/helpers/check-requirements.sh", "Skipping server pre-requisite check")

	c.is(dir+version, "2.36")
	if log := c.serves(server, dir); !strings.Contains(log, "Patching complete.") {
		t.Errorf("the server says\n%s", log)
	}
	c.is(dir+version, "2.41")
	c.is(`grep -ho '/[^ ]*/libc\.so\.6' /proc/$(pgrep -f out/server-main.js | head -1)/maps | sort -u`, "/opt/usr/lib/x86_64-linux-gnu/libc.so.6")
	c.is(dir+`/node -p 'child_process.execSync("grep -ho /.*/libc.so.6 /proc/self/maps | sort -u").toString().trim()'`, "/usr/lib/x86_64-linux-gnu/libc.so.6")
}

// TestLibraryCalledOldCached: the server is a site's, in a cache that jobs may
// only read. The job has a copy of what the server patches; where the site has
// patched it once, there is none.
func TestLibraryCalledOldCached(t *testing.T) {
	for _, patched := range []bool{false, true} {
		t.Run(fmt.Sprintf("patched %v", patched), func(t *testing.T) {
			c := newContainer(t, `PerchSysroot = "/opt"`, `PerchIDECache = "/mnt"`)
			c.calledOld()
			server, sysroot, cache := vscode.Get(t), pool.Sysroot(t), filepath.Join(c.dir, "cache")
			c.must(session.Program("perch-entrypoint"), "cache", "add", "--dir", cache, server.Archive)
			node, says := filepath.Join(cache, ".vscode-server-oss/cli/servers/Stable-"+server.Commit, "server/node"), "Patching complete."
			if patched {
				c.must(sysroot+"/bin/patchelf", "--set-rpath", "/opt/usr/lib/x86_64-linux-gnu", node)
				c.must(sysroot+"/bin/patchelf", "--set-interpreter", "/opt/usr/lib64/ld-linux-x86-64.so.2", node)
				says = "Read-only file system"
			}
			c.show(sysroot, "/opt")
			c.show(cache, "/mnt")
			c.start()
			dir := jobHome + "/.vscode-server-oss/bin/" + server.Commit
			if log := c.serves(server, dir); !strings.Contains(log, says) {
				t.Errorf("the server says\n%s", log)
			}
			c.is(dir+version, "2.41")
			c.is("readlink -f "+dir+"/out | cut -c1-5", "/mnt/")
		})
	}
}

// TestCachedNodeShared: on a file system that can share blocks the job's copy of
// the node takes none.
func TestCachedNodeShared(t *testing.T) {
	c := newContainer(t, `PerchSysroot = "/opt"`, `PerchIDECache = "/mnt"`)
	c.calledOld()
	server, disk := vscode.Get(t), c.homeOnBtrfs()
	c.must(session.Program("perch-entrypoint"), "cache", "add", "--dir", disk+"/cache", server.Archive)
	c.show(pool.Sysroot(t), "/opt")
	c.show(disk+"/cache", "/mnt")
	c.start()
	node := filepath.Join(c.home, ".vscode-server-oss/bin", server.Commit, "node")
	if info, err := os.Lstat(node); err != nil || !info.Mode().IsRegular() {
		t.Fatalf("the job's node: %v, %v", info, err)
	}
	if out, err := exec.Command("filefrag", "-v", node).CombinedOutput(); err != nil || !strings.Contains(string(out), "last,shared,eof") {
		t.Errorf("the node's blocks: %v\n%s", err, out)
	}
	c.is(jobHome+"/.vscode-server-oss/bin/"+server.Commit+version, "2.36")
}

// homeOnBtrfs puts the job home on a btrfs, and returns that as this machine sees it.
func (c *container) homeOnBtrfs() string {
	c.t.Helper()
	pool.Requires(c.t, "btrfs-progs", "e2fsprogs")
	mounted := func(at string, options ...string) {
		c.must("mkdir", "-p", at)
		c.must("mount", append(options, at)...)
		c.t.Cleanup(func() { c.must("umount", "-l", at) })
	}
	memory := filepath.Join(c.dir, "memory") // a real disk takes minutes for what is flushed
	mounted(memory, "-t", "tmpfs", "none")
	disk, image := filepath.Join(c.dir, "disk"), filepath.Join(memory, "image")
	c.must("truncate", "-s", "4G", image)
	c.must("mkfs.btrfs", "-q", image)
	mounted(disk, "-o", "loop", image)
	c.must("cp", "-a", c.home, disk+"/job")
	mounted(c.home, "--bind", disk+"/job")
	return disk
}

// TestOldCxx: a C++ library without the symbols that the server needs, here with
// none at all, stops its node; ours says so before.
func TestOldCxx(t *testing.T) {
	c := newContainer(t)
	c.write("libstdc++", "")
	c.show(filepath.Join(c.dir, "libstdc++"), "/usr/lib/x86_64-linux-gnu/libstdc++.so.6")
	_, dir := c.withServer(t)
	c.start()
	if out, code := c.ssh("", "job", dir+"/bin/code-server-oss --version"); code != 127 || !strings.Contains(out, "libstdc++.so.6: file too short") {
		t.Errorf("the server: exit status %d, %s", code, out)
	}
	c.says("/srv/perch-entrypoint check", "the image has a libstdc++ with GLIBCXX_3.4.0, VS Code's server needs 3.4.25; use a newer image, or name a sysroot by +PerchSysroot")
}

// TestLibraryTooOld: what the image's library cannot run does run with the
// sysroot's, by the variables and in the way of the server's script.
func TestLibraryTooOld(t *testing.T) {
	c := newContainer(t, `PerchSysroot = "/opt"`)
	c.calledOld()
	c.show(pool.Sysroot(t), "/opt")
	c.start()
	out, code := c.ssh("", "job", "/opt/usr/bin/patchelf --version")
	if code != 1 || !strings.Contains(out, "version `GLIBC_2.38' not found") {
		t.Errorf("without the sysroot: exit status %d, %s", code, out)
	}
	c.says(`cp /opt/usr/bin/patchelf ~/new && "$VSCODE_SERVER_PATCHELF_PATH" --set-rpath "$VSCODE_SERVER_CUSTOM_GLIBC_PATH" ~/new &&
		"$VSCODE_SERVER_PATCHELF_PATH" --set-interpreter "$VSCODE_SERVER_CUSTOM_GLIBC_LINKER" ~/new && ~/new --version`, "patchelf 0.")
}
