package check

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func put(t *testing.T, content string, elem ...string) {
	t.Helper()
	path := filepath.Join(elem...)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestLibc(t *testing.T) {
	const version = "\x00GNU C Library (Debian GLIBC 2.36-9+deb12u10) stable release version 2.36.\n\x00"
	for _, test := range []struct{ name, file, content, want string }{
		{"Debian", "lib/x86_64-linux-gnu/libc.so.6", version, "glibc 2.36"},
		{"Fedora", "lib64/libc.so.6", version, "glibc 2.36"},
		{"no version in it", "lib64/libc.so.6", "x", "glibc"},
		{"Alpine", "lib/ld-musl-x86_64.so.1", "", "musl"},
		{"nothing", "etc/passwd", "", ""},
	} {
		root := t.TempDir()
		put(t, test.content, root, test.file)
		if got := libc(root); got != test.want {
			t.Errorf("%s: got %q, want %q", test.name, got, test.want)
		}
	}
}

func TestTooOld(t *testing.T) {
	for libc, want := range map[string]bool{"glibc 2.17": true, "glibc 2.27": true, "glibc 2.28": false, "glibc 2.41": false, "glibc 3.0": false, "glibc": false, "musl": false, "": false} {
		if got := tooOld(libc); got != want {
			t.Errorf("tooOld(%q): got %v", libc, got)
		}
	}
}

func TestCgroups(t *testing.T) {
	for _, test := range []struct {
		name, self string
		files      map[string]string
		want       Limits
	}{
		{
			"version 2", "0::/job\n",
			map[string]string{"job/memory.max": "1048576\n", "job/cpu.max": "150000 100000\n", "job/pids.max": "max\n"},
			Limits{CgroupMemory: 1 << 20, CgroupCpus: 1.5},
		},
		{
			"version 2, the host's name in a container", "0::/system.slice/job\n",
			map[string]string{"memory.max": "4096\n", "cpu.max": "max 100000\n"},
			Limits{CgroupMemory: 4096},
		},
		{
			"version 1", "5:memory:/j\n4:cpu,cpuacct:/j\n3:pids:/j\nnonsense\n",
			map[string]string{"memory/j/memory.limit_in_bytes": "8192\n", "cpu/j/cpu.cfs_quota_us": "50000", "cpu/j/cpu.cfs_period_us": "100000", "pids/j/pids.max": "99"},
			Limits{CgroupMemory: 8192, CgroupCpus: 0.5, CgroupPids: 99},
		},
		{
			"version 1 without a limit", "5:memory:/\n4:cpu:/\n",
			map[string]string{"memory/memory.limit_in_bytes": "9223372036854771712", "cpu/cpu.cfs_quota_us": "-1", "cpu/cpu.cfs_period_us": "100000"},
			Limits{},
		},
	} {
		mount := t.TempDir()
		put(t, test.self, mount, "self")
		for name, content := range test.files {
			put(t, content, mount, name)
		}
		var got Limits
		got.readCgroup(mount, filepath.Join(mount, "self"))
		if got != test.want {
			t.Errorf("%s: got %+v, want %+v", test.name, got, test.want)
		}
	}
}

func TestProblems(t *testing.T) {
	good := func() Report {
		var r Report
		r.User.InPasswd, r.Home.Writable, r.Home.Exec, r.Terminal = true, true, true, true
		r.Home.Free, r.Shell, r.Libc = 10<<30, "/bin/bash", "glibc 2.36"
		return r
	}
	for _, test := range []struct {
		spoil func(*Report)
		says  string
	}{
		{func(*Report) {}, ""},
		{func(r *Report) { r.User.InPasswd = false }, "no entry for uid"},
		{func(r *Report) { r.Home.Writable = false }, "cannot be written"},
		{func(r *Report) { r.Home.Exec = false }, "without exec"},
		{func(r *Report) { r.Home.Free = 5 << 20 }, "has 5 MiB free"},
		{func(r *Report) { r.Home.Inodes = 10 }, "10 more files"},
		{func(r *Report) { r.Shell = "" }, "no shell"},
		{func(r *Report) { r.Terminal = false }, "/dev/ptmx"},
		{func(r *Report) { r.Missing = []string{"tar", "ps"} }, "tar, ps"},
		{func(r *Report) { r.Libc = "glibc 2.17" }, "older than glibc 2.28"},
		{func(r *Report) { r.Libc = "musl" }, "has musl"},
		{func(r *Report) { r.Libc = "" }, "no C library"},
	} {
		r := good()
		test.spoil(&r)
		got := r.problems()
		if test.says == "" && len(got) > 0 || test.says != "" && (len(got) != 1 || !strings.Contains(got[0], test.says)) {
			t.Errorf("got %q, want one that says %q", got, test.says)
		}
	}
}

func TestSize(t *testing.T) {
	for bytes, want := range map[uint64]string{0: "0 B", 1023: "1023 B", 1 << 20: "1 MiB", 15 << 30: "15 GiB", 3 << 39: "1.5 TiB"} {
		if got := size(bytes); got != want {
			t.Errorf("size(%d): got %q, want %q", bytes, got, want)
		}
	}
}
