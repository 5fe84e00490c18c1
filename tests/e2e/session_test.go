package e2e

import (
	"bytes"
	"crypto/rand"
	"crypto/sha256"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/containerd/console"

	"perch/tests/kept"
)

func uidOf(st os.FileInfo) uint32 { return st.Sys().(*syscall.Stat_t).Uid }

func imagesSystem(t *testing.T, p place) {
	got := p.ssh(t, p.shared(t), "cat", "/etc/os-release")
	wantFile := "/etc/os-release"
	if p.image != "" {
		wantFile = filepath.Join(p.image, "/etc/os-release")
	}
	want, err := os.ReadFile(wantFile)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func scriptOnStdin(t *testing.T, p place) {
	r := p.run(t, "exit 7\n", "perch-ssh", "-T", p.shared(t), "bash")
	if r.code != 7 || r.stdout != "" {
		t.Errorf("exit status %d, stdout %q; want 7 and nothing\n%s", r.code, r.stdout, r.stderr)
	}
}

func bytesUnchanged(t *testing.T, p place) {
	data := make([]byte, 100<<20)
	if _, err := rand.Read(data); err != nil {
		t.Fatal(err)
	}
	cmd := p.command("perch-ssh", p.shared(t), "cat")
	cmd.Stdin = bytes.NewReader(data)
	got := sha256.New()
	cmd.Stdout = got
	if err := cmd.Run(); err != nil {
		t.Fatal(err)
	}
	want := sha256.Sum256(data)
	if !bytes.Equal(got.Sum(nil), want[:]) {
		t.Error("what came back is not what was sent")
	}
}

func environment(t *testing.T, p place) {
	out := p.ssh(t, p.shared(t), "pwd; env")
	lines := strings.Split(out, "\n")
	var scratch string
	for _, l := range lines {
		if v, ok := strings.CutPrefix(l, "_CONDOR_SCRATCH_DIR="); ok {
			scratch = v
		}
		if strings.HasPrefix(l, "PROMPT_COMMAND=") || strings.HasPrefix(l, "PS1=") {
			t.Errorf("the session has Apptainer's %s", l)
		}
	}
	if scratch == "" || lines[0] != scratch {
		t.Errorf("the session starts in %q, the scratch directory is %q", lines[0], scratch)
	}
	for _, want := range []string{"HOME=" + scratch, "OMP_NUM_THREADS=1"} {
		if !strings.Contains(out, want+"\n") {
			t.Errorf("the environment lacks %s", want)
		}
	}
}

func sftp(t *testing.T, p place) {
	dir := t.TempDir()
	from := filepath.Join(dir, "from")
	data := bytes.Repeat([]byte("perch\n"), 1<<16)
	if err := os.WriteFile(from, data, 0o640); err != nil {
		t.Fatal(err)
	}
	batch := "put -p " + from + " scratch/there\nget -p scratch/there " + dir + "/back\nbye\n"
	r := p.run(t, batch, "sftp", "-q", "-b", "-", "-S", filepath.Join(p.bin, "perch-ssh"), strings.Replace(p.shared(t), ":", `\:`, 1))
	if r.code != 0 {
		r = p.run(t, batch, "sftp", "-q", "-b", "-", "-S", filepath.Join(p.bin, "perch-ssh"), "["+p.shared(t)+"]")
	}
	if r.code != 0 {
		t.Fatalf("exit status %d\n%s%s", r.code, r.stdout, r.stderr)
	}
	back, err := os.ReadFile(filepath.Join(dir, "back"))
	if err != nil || !bytes.Equal(back, data) {
		t.Errorf("the file that came back differs: %v", err)
	}
}

// proxyCommand uses perch proxy as every other client does, with pipes and
// with the host key that perch hostkey prints.
func proxyCommand(t *testing.T, p place) {
	target := p.shared(t)
	r := p.throughProxy(t, target, p.identity(t, target), "echo here; exit 3")
	if r.code != 3 || r.stdout != "here\n" {
		t.Errorf("exit status %d, stdout %q, stderr %q; want 3 and here", r.code, r.stdout, r.stderr)
	}
}

func (p place) throughProxy(t *testing.T, target, identity, command string) result {
	t.Helper()
	known := filepath.Join(t.TempDir(), "known_hosts")
	key := p.run(t, "", "perch", "hostkey", target)
	if err := os.WriteFile(known, []byte(key.stdout), 0o600); err != nil {
		t.Fatal(err)
	}
	alias, _, _ := strings.Cut(key.stdout, " ")
	return p.run(t, "", "ssh", "-F", "/dev/null", "-o", "ProxyCommand="+filepath.Join(p.bin, "perch")+" proxy "+target,
		"-o", "UserKnownHostsFile="+known, "-o", "HostKeyAlias="+alias, "-o", "StrictHostKeyChecking=yes",
		"-o", "IdentitiesOnly=yes", "-i", identity, "job", command)
}

// terminal opens a terminal of 50 columns, changes it to 99, and reads both.
func terminal(t *testing.T, p place) {
	p.ssh(t, p.shared(t), "true")
	pty, name, err := console.NewPty()
	if err != nil {
		t.Fatal(err)
	}
	defer pty.Close()
	if err := pty.Resize(console.WinSize{Height: 20, Width: 50}); err != nil {
		t.Fatal(err)
	}
	tty, err := os.OpenFile(name, os.O_RDWR|syscall.O_NOCTTY, 0)
	if err != nil {
		t.Fatal(err)
	}
	cmd := p.command("perch-ssh", "-tt", p.shared(t), "sh", "-c", `'stty size; trap "stty size; exit 0" WINCH; echo ready; while :; do sleep 1; done'`)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = tty, tty, tty
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	tty.Close()
	seen := &kept.Output{}
	go io.Copy(seen, pty)
	await(t, "the terminal is ready", func() bool { return strings.Contains(seen.String(), "ready") })
	if !strings.Contains(seen.String(), "20 50") {
		t.Errorf("the terminal's size is not 20 50: %q", seen.String())
	}
	if err := pty.Resize(console.WinSize{Height: 20, Width: 99}); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("the command: %v", err)
	}
	await(t, "the new size is seen", func() bool { return strings.Contains(seen.String(), "20 99") })
}

// forwards leads a port and a socket of the test's into the job (-R) and back
// out of it (-L, -D), and speaks through each of the ways.
func forwards(t *testing.T, p place) {
	p.ssh(t, p.shared(t), "true")
	dir := t.TempDir()
	echo := listenEcho(t)
	remote := freePort(t)
	cmd := p.command("perch-ssh", "-N",
		"-R", "127.0.0.1:"+remote+":"+echo,
		"-R", "/tmp/perch-e2e.sock:"+echo,
		"-L", dir+"/port:127.0.0.1:"+remote,
		"-L", dir+"/sock:/tmp/perch-e2e.sock",
		"-D", dir+"/socks",
		"-o", "ExitOnForwardFailure=yes", "-o", "StreamLocalBindUnlink=yes", p.shared(t))
	said := &kept.Output{}
	cmd.Stderr = said
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	defer func() { cmd.Process.Signal(syscall.SIGTERM); cmd.Wait() }()
	await(t, "the forwards are open", func() bool {
		_, err := os.Stat(dir + "/socks")
		return err == nil || cmd.ProcessState != nil
	})
	for _, way := range []string{dir + "/port", dir + "/sock"} {
		speak(t, way, nil)
	}
	speak(t, dir+"/socks", socksTo(t, remote))
	if t.Failed() {
		t.Log(said.String())
	}
}
