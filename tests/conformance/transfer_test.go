package conformance

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// in and out copy a file into the job and out of it, and return ssh's stderr.
func in(t *testing.T, ssh *exec.Cmd, content []byte, to string) string {
	t.Helper()
	ssh.Stdin = bytes.NewReader(content)
	r := run(t, ssh)
	got, err := os.ReadFile(to)
	if r.code != 0 || err != nil || !bytes.Equal(got, content) {
		t.Errorf("%d bytes of %d arrived: %v, exit %d, %.600s", len(got), len(content), err, r.code, r.stderr)
	}
	return r.stderr
}

func out(t *testing.T, ssh *exec.Cmd, content []byte) string {
	t.Helper()
	r := run(t, ssh)
	if r.code != 0 || r.stdout != string(content) {
		t.Errorf("%d bytes of %d arrived: exit %d, %.600s", len(r.stdout), len(content), r.code, r.stderr)
	}
	return r.stderr
}

// A file each way, in writes of all sizes.
func testTransfer(t *testing.T, j job) {
	path, content := data(t, 4<<20)
	to := filepath.Join(t.TempDir(), "copy")
	j.both(t, func(t *testing.T, ssh func(options, ...string) *exec.Cmd) {
		out(t, ssh(options{"-n"}, "cat "+path), content)
		in(t, ssh(nil, "cat >"+to), content, to)
	})
	for _, size := range []int{10, 100, 1 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10} {
		part := content[:min(len(content), 2000*size)]
		out(t, j.SSH(nil, "head -c "+strconv.Itoa(len(part))+" "+path+" | dd status=none obs="+strconv.Itoa(size)), part)
		in(t, j.SSH(nil, "dd status=none ibs="+strconv.Itoa(size)+" of="+to), part, to)
	}
}

// rekeys is how often ssh -v says that it changed keys, but for the first time.
func rekeys(stderr string) int { return strings.Count(stderr, "SSH2_MSG_NEWKEYS sent") - 1 }

// Keys change in the middle of a transfer: at each size, both ways, by each key
// exchange and cipher that both sides have, and after a time.
func testRekey(t *testing.T, j job) {
	path, content := data(t, 1<<20)
	to := filepath.Join(t.TempDir(), "copy")
	for _, limit := range []int{16 << 10, 128 << 10, 256 << 10} {
		o := options{"-v", "-o", "RekeyLimit=" + strconv.Itoa(limit)}
		for way, stderr := range map[string]string{
			"in":  in(t, j.SSH(o, "cat >"+to), content, to),
			"out": out(t, j.SSH(o, "cat "+path), content),
		} {
			if n := rekeys(stderr); n < 1 {
				t.Errorf("%s, at %d bytes: keys changed %d times", way, limit, n)
			}
		}
	}
	offer := j.offer(t)
	for setting, names := range map[string][]string{
		"KexAlgorithms": both(offer["KEX algorithms"], j.known(t, "kex")),
		"Ciphers":       both(offer["ciphers stoc"], j.known(t, "cipher")),
	} {
		for _, name := range names {
			stderr := in(t, j.SSH(options{"-v", "-o", "RekeyLimit=256k", "-o", setting + "=" + name}, "cat >"+to), content, to)
			if n := rekeys(stderr); n < 1 {
				t.Errorf("by %s: keys changed %d times", name, n)
			}
		}
	}
	rekeyByTime(t, j)
}

// both are what stands in two lists.
func both(a, b []string) []string {
	return slices.DeleteFunc(slices.Clone(a), func(name string) bool { return !slices.Contains(b, name) })
}

// rekeyByTime has a session idle until its keys have changed twice.
func rekeyByTime(t *testing.T, j job) {
	t.Helper()
	cmd := j.SSH(options{"-v", "-o", "RekeyLimit=default 1", "-o", "ServerAliveInterval=1"}, "cat")
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	b := background(t, cmd)
	await(t, "keys have changed by time", func() bool { return rekeys(b.stderr.String()) >= 2 })
	stdin.Write([]byte("still here"))
	stdin.Close()
	await(t, "the session has ended", b.ended)
	if got := b.stdout.String(); got != "still here" || !cmd.ProcessState.Success() {
		t.Errorf("got %q, %v", got, cmd.ProcessState)
	}
}
