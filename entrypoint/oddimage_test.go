package main

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"perch/entrypoint/internal/finding"
)

func limited(script, says string) func(t *testing.T) {
	return func(t *testing.T) {
		j := newOdd(t, "h").in(script)
		first, second := j.session("echo in"), j.session("echo in")
		if first.stdout != "in\n" || !strings.Contains(first.stderr, "perch: note: "+says) || strings.Contains(second.stderr, says) {
			t.Errorf("the user is told, in the first session, %+v, in the second, %+v", first, second)
		}
		j.want(finding.Said, says)
	}
}

// soft limits are raised to the hard ones, which this test lowers so that it
// knows them.
func soft(t *testing.T) {
	j := newOdd(t, "h").in("ulimit -Sn 64; ulimit -Hn 5000; ulimit -Su 700; ulimit -Hu 5001")
	j.wantRun("ulimit -n; ulimit -u", "5000\n5001")
	j.want(finding.Mended, "the soft limit of open files was raised to 5000")
}

// fewInotify lowers a limit of a user namespace: the machine's stays.
func fewInotify(limit, says string) func(t *testing.T) {
	return func(t *testing.T) {
		j := newOdd(t, "h")
		j.prepare("echo 100 >/proc/sys/user/max_inotify_" + limit)
		j.cmd.Args = append([]string{"unshare", "-U", "-r"}, j.cmd.Args[1:]...)
		j.start()
		j.waitReady()
		eventually(t, "the user is told", func() bool {
			return strings.Contains(j.session("true").stderr, "allows a user 100 "+says)
		})
	}
}

// tree is a root file system with the program, others with their libraries, and
// the job home in it.
func tree(t *testing.T, home string, programs ...string) (j *oddJob, root string) {
	t.Helper()
	j = newOdd(t, "root/"+home)
	root = filepath.Join(j.dir, "root")
	copyFile(t, program, filepath.Join(root, "init"))
	for _, dir := range []string{"proc", "tmp"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o777); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range programs {
		copyFile(t, name, filepath.Join(root, name))
		out, err := exec.Command("ldd", name).Output()
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range regexp.MustCompile(`(/\S+) \(0x`).FindAllSubmatch(out, -1) {
			copyFile(t, string(m[1]), filepath.Join(root, string(m[1])))
		}
	}
	return j, root
}

// inTree starts the job with root as its file system.
func (j *oddJob) inTree(root string) {
	j.t.Helper()
	home := strings.TrimPrefix(j.home, root)
	j.cmd = exec.Command("unshare", "-m", "--mount-proc="+filepath.Join(root, "proc"), "/usr/sbin/chroot", root, "/init")
	j.cmd.Env = []string{"_CONDOR_SCRATCH_DIR=" + home, "_CONDOR_JOB_AD=" + home + "/.job.ad", "PATH=/bin"}
	j.start()
	j.waitReady()
}

// age makes a tree's C library say that it is older, as the check of an IDE's server reads it.
func age(t *testing.T, root string) {
	t.Helper()
	files, _ := filepath.Glob(filepath.Join(root, "lib/*/libc.so.6"))
	if len(files) != 1 {
		t.Fatalf("C libraries: %q", files)
	}
	content, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	older := regexp.MustCompile(`release version 2\.\d\d`).ReplaceAll(content, []byte("release version 2.17"))
	if bytes.Equal(older, content) {
		t.Fatal("this C library does not say its version")
	}
	if err := os.WriteFile(files[0], older, 0o755); err != nil {
		t.Fatal(err)
	}
}

// checkIn runs check in a tree.
func checkIn(t *testing.T, root string) string {
	t.Helper()
	cmd := exec.Command("chroot", root, "/init", "check", "--json")
	cmd.Env = []string{"_CONDOR_SCRATCH_DIR=/job", "PATH=/bin:/usr/bin"}
	return run(t, cmd, "").stdout
}

// tells starts the job in a tree; a user who comes in hears of what is missing.
func (j *oddJob) tells(root, says string) {
	j.t.Helper()
	j.inTree(root)
	eventually(j.t, "the user is told of "+says, func() bool {
		return strings.Contains(j.session("true").stderr, "perch: note: "+says)
	})
}

func missingTools(t *testing.T) {
	j, root := tree(t, "job", "/bin/bash", "/bin/tar")
	if f := pick(t, checkIn(t, root), "missing tools"); strings.Contains(f.Text, "tar") {
		t.Errorf("got %s", f.Text)
	}
	if err := os.Remove(filepath.Join(root, "bin/tar")); err != nil {
		t.Fatal(err)
	}
	f := pick(t, checkIn(t, root), "missing tools")
	wantFound(t, f, finding.Said, "ps (procps), getconf")
	if !strings.Contains(f.Text, "tar") || !strings.Contains(f.Text, "flock (or set remote.SSH.useFlock to false)") || !strings.Contains(f.Text, "curl or wget") {
		t.Errorf("got %s", f.Text)
	}
	j.tells(root, f.Text)
}

func oldLibcAlone(t *testing.T) {
	j, root := tree(t, "job", "/bin/bash")
	age(t, root)
	f := pick(t, checkIn(t, root), "old C library")
	wantFound(t, f, finding.Said, "glibc 2.17, VS Code's server needs 2.28; use a newer image, or name a sysroot by +PerchSysroot")
	j.tells(root, f.Text)
}

// ageCxx gives a tree a C++ library of GCC 5, as far as the check reads it.
func ageCxx(t *testing.T, root string) {
	t.Helper()
	name := filepath.Join(root, "usr/lib/x86_64-linux-gnu/libstdc++.so.6")
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	write(t, name, "GLIBCXX_3.4\x00GLIBCXX_3.4.9\x00GLIBCXX_3.4.21\x00GLIBCXX_DEBUG_MESSAGE_LENGTH\x00")
}

func noCxx(t *testing.T) {
	j, root := tree(t, "job", "/bin/bash")
	f := pick(t, checkIn(t, root), "old C library")
	wantFound(t, f, finding.Said, "no libstdc++, which VS Code's server needs; put it in")
	j.tells(root, f.Text)
}

// oldLibrary: sessions get the variables, and a program runs by what they name.
func oldLibrary(age func(t *testing.T, root string), says string) func(t *testing.T) {
	return func(t *testing.T) {
		j, root := tree(t, "job", "/bin/bash")
		for _, name := range []string{"lib", "lib64"} {
			if err := os.MkdirAll(filepath.Join(root, "cvmfs/sysroot"), 0o755); err != nil {
				t.Fatal(err)
			}
			if out, err := exec.Command("cp", "-a", filepath.Join(root, name), filepath.Join(root, "cvmfs/sysroot")).CombinedOutput(); err != nil {
				t.Fatalf("%v: %s", err, out)
			}
		}
		copyFile(t, "/bin/true", filepath.Join(root, "cvmfs/sysroot/bin/patchelf"))
		age(t, root)
		write(t, filepath.Join(j.home, ".job.ad"), "PerchSysroot = \"/cvmfs/sysroot\"\n")
		j.inTree(root)
		j.wantRun(`echo $VSCODE_SERVER_PATCHELF_PATH; "$VSCODE_SERVER_CUSTOM_GLIBC_LINKER" --library-path "$VSCODE_SERVER_CUSTOM_GLIBC_PATH" /bin/bash -c 'echo runs'`, "/cvmfs/sysroot/bin/patchelf\nruns")
		wantFound(t, pick(t, j.run("/init check --json"), "old C library"), finding.Around, says+"; VS Code's server is led to the libraries in /cvmfs/sysroot")
	}
}

// processors: nproc says what the slot has.
func processors(t *testing.T) {
	j := newOdd(t, "h")
	write(t, filepath.Join(j.dir, "machine.ad"), "Cpus = 1\nMemory = 2048\n")
	j.in("", "_CONDOR_MACHINE_AD="+j.dir+"/machine.ad")
	j.wantRun("nproc", "1")
	wantFound(t, j.found("processors"), finding.Around, "OMP_NUM_THREADS")
	if text := j.run(j.dir + "/bin/perch-entrypoint check"); !strings.Contains(text, "slot with 1 cpus, 2 GiB memory") {
		t.Errorf("got %s", text)
	}
}
