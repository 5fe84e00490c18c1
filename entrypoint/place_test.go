package main

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/sockpath"
)

func itoa(n int) string { return strconv.Itoa(n) }

// A scratch directory may lie so deep that no socket's address can name it.
func TestLongPath(t *testing.T) {
	t.Parallel()
	home := filepath.Join(t.TempDir(), strings.Repeat("deep", 20), strings.Repeat("deeper", 10))
	if err := os.MkdirAll(home, 0o700); err != nil {
		t.Fatal(err)
	}
	j := startJobIn(t, home)
	if len(j.path(contract.SocketName)) <= sockpath.Max {
		t.Fatal("this path is not long")
	}
	got := j.ssh("", "job", `echo "$TMPDIR"; echo "$XDG_RUNTIME_DIR"; stat -c %a "$TMPDIR" "$XDG_RUNTIME_DIR"; readlink -f ~/tmp ~/tmp/run`)
	lines := strings.Fields(got.stdout)
	if len(lines) != 6 {
		t.Fatalf("got %+v", got)
	}
	for i, dir := range lines[:2] {
		if len(dir) > 53 || lines[2+i] != "700" || lines[4+i] != dir {
			t.Errorf("the directory %q has mode %s and is linked as %q", dir, lines[2+i], lines[4+i])
		}
	}
	if got := j.stop(); got.code != 0 {
		t.Errorf("stopping: got %+v", got)
	}
	j.wantEnd(contract.ExitOK)
	if exists(lines[0]) {
		t.Errorf("%s is left", lines[0])
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	empty, file := t.TempDir(), filepath.Join(t.TempDir(), "file")
	write(t, file, "")
	bad := newJob(t, t.TempDir())
	write(t, filepath.Join(bad.home, contract.AuthorizedKeysFile), "no key\n")
	worse := newJob(t, t.TempDir())
	write(t, filepath.Join(worse.home, contract.HostKeyFile), "no key\n")
	taken := newJob(t, t.TempDir())
	if err := os.MkdirAll(filepath.Join(taken.path(contract.SocketName), "in the way"), 0o700); err != nil {
		t.Fatal(err)
	}
	running := startJob(t)
	for _, test := range []struct {
		name, scratch string
		args          []string
		code          int
		says          string
	}{
		{"no keys", empty, nil, contract.ExitNoKeys, "it has to come with the job's input files"},
		{"no usable key", bad.home, nil, contract.ExitNoKeys, "there is none that can be used"},
		{"no host key", worse.home, nil, contract.ExitNoKeys, "reading the host key"},
		{"no such scratch directory", "/nonesuch", nil, contract.ExitNoHome, "no such file or directory"},
		{"a file for a scratch directory", file, nil, contract.ExitNoHome, "is no directory"},
		{"socket in the way", taken.home, nil, contract.ExitNoSocket, "making the socket"},
		{"two in one place", running.home, nil, contract.ExitNoSocket, "another perch-entrypoint serves"},
		{"unknown command", empty, []string{"dance"}, contract.ExitUsage, "usage:"},
		{"too many arguments", empty, []string{"init", "now"}, contract.ExitUsage, "takes no argument"},
		{"stdio without a job", empty, []string{"stdio"}, contract.ExitFailure, "is the job running?"},
		{"carry without a job", empty, []string{contract.CommandCarry}, contract.ExitFailure, "is the job running?\n" + contract.CarryEnded},
		{"check without a home", "/nonesuch", []string{"check"}, contract.ExitNoHome, "no such file"},
	} {
		t.Run(test.name, func(t *testing.T) {
			cmd := exec.Command(program, test.args...)
			cmd.Env = []string{"_CONDOR_SCRATCH_DIR=" + test.scratch, "PATH=" + os.Getenv("PATH")}
			if got := run(t, cmd, ""); got.code != test.code || !strings.Contains(got.stderr, test.says) {
				t.Errorf("got %+v, want exit code %d and %q", got, test.code, test.says)
			}
		})
	}
}

// Keys leave the top of the scratch directory and are for their owner only.
func TestKeys(t *testing.T) {
	t.Parallel()
	j := startJob(t)
	for _, name := range []string{contract.HostKeyFile, contract.AuthorizedKeysFile} {
		if exists(j.home, name) {
			t.Errorf("%s is still at the top of the scratch directory", name)
		}
	}
	for _, name := range []string{contract.HostKeyName, contract.AuthorizedKeysName, contract.LogName, contract.StatusName} {
		if info, err := os.Stat(j.path(name)); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: got %v, %v, want mode 600", name, info, err)
		}
	}
	if info, err := os.Stat(filepath.Join(j.home, contract.Dir)); err != nil || info.Mode().Perm() != 0o700 {
		t.Errorf("%s: got %v, %v, want mode 700", contract.Dir, info, err)
	}
}

// After a restart in the same place the keys are in .perch already.
func TestRestart(t *testing.T) {
	t.Parallel()
	first := startJob(t)
	first.cmd.Process.Kill()
	<-first.ended
	eventually(t, "the first run is gone", func() bool { return len(processesIn(first.home)) == 0 })
	os.Remove(first.path(contract.StatusName))
	second := *first
	second.ended = make(chan error, 1)
	second.cmd = exec.Command(program)
	second.cmd.Env = first.cmd.Env
	second.start()
	second.waitReady()
	if got := second.ssh("", "job", "echo again"); got.stdout != "again\n" {
		t.Errorf("after a restart: got %+v", got)
	}
}

// An image with nothing in it: files and forwards work, commands are refused
// with a reason.
func TestEmptyImage(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	for _, dir := range []string{"proc", "job"} {
		if err := os.Mkdir(filepath.Join(root, dir), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	content, err := os.ReadFile(program)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "init"), content, 0o755); err != nil {
		t.Fatal(err)
	}
	j := newJob(t, filepath.Join(root, "job"))
	flags := []string{"-mpf", "--kill-child"}
	if os.Getuid() != 0 {
		flags = append(flags, "-Ur")
	}
	j.cmd = exec.Command("unshare", append(flags, "--mount-proc="+filepath.Join(root, "proc"), "chroot", root, "/init")...)
	j.cmd.Env = []string{"_CONDOR_SCRATCH_DIR=/job", "PATH=" + os.Getenv("PATH")}
	j.start()
	j.waitReady()
	got := j.ssh("", "job", "true")
	if got.code != 127 || !strings.Contains(got.stderr, "the image has no shell") {
		t.Errorf("a command: got %+v", got)
	}
	sftp := run(t, j.client("sftp", "-q", "-b", "-", "job"), "pwd\nls -a\n")
	if sftp.code != 0 || !strings.Contains(sftp.stdout, "Remote working directory: /job\n") || !strings.Contains(sftp.stdout, contract.Dir) {
		t.Errorf("sftp: got %+v", sftp)
	}
	upper := serveUpper(t, "tcp", "127.0.0.1:0").Addr().String()
	if got := j.ssh("abc", "-W", upper, "job"); got.stdout != "ABC" {
		t.Errorf("a forward: got %+v", got)
	}
	// unshare itself does not pass signals on.
	init := j.servePID()
	syscall.Kill(init, syscall.SIGTERM)
	j.wantEnd(contract.ExitOK)
}

func TestCheck(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	ad := filepath.Join(dir, "machine.ad")
	write(t, ad, "Cpus = 2\nMemory = 4096\nDisk = 1048576\n")
	check := func(args ...string) result {
		cmd := exec.Command(program, append([]string{"check"}, args...)...)
		cmd.Env = []string{"_CONDOR_SCRATCH_DIR=" + dir, "_CONDOR_MACHINE_AD=" + ad, "PATH=" + os.Getenv("PATH")}
		return run(t, cmd, "")
	}
	var report struct {
		User   struct{ UID int }
		Home   struct{ Path string }
		Shell  string
		Libc   string
		Limits map[string]float64
	}
	got := check("--json")
	if err := json.Unmarshal([]byte(got.stdout), &report); err != nil {
		t.Fatalf("check --json: %v in %+v", err, got)
	}
	if report.User.UID != os.Getuid() || report.Home.Path != dir || report.Shell == "" || report.Libc == "" ||
		report.Limits["slot_memory_bytes"] != 4<<30 || report.Limits["slot_disk_bytes"] != 1<<30 {
		t.Errorf("check --json: got %s", got.stdout)
	}
	text := check()
	for _, want := range []string{fmt.Sprintf("home:     %s, ", dir), "granted:  ", "slot with 2 cpus, 4 GiB memory, 1 GiB disk"} {
		if !strings.Contains(text.stdout, want) {
			t.Errorf("check: got\n%swant %q in it", text.stdout, want)
		}
	}
	if entries, _ := os.ReadDir(dir); len(entries) != 1 {
		t.Errorf("check has changed the place: %v", entries)
	}
}
