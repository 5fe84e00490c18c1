package keys

import (
	"errors"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"perch/entrypoint/contract"
)

func makeKeys(t *testing.T, dir, extra string) Set {
	t.Helper()
	set, err := Make(dir, "perch-0011", extra)
	if err != nil {
		t.Fatal(err)
	}
	return set
}

func read(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

func TestMake(t *testing.T) {
	dir := t.TempDir()
	if _, err := Load(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("an empty folder: %v", err)
	}
	set := makeKeys(t, dir, "")
	files, err := os.ReadDir(dir)
	if err != nil || len(files) != 5 {
		t.Errorf("%d files, %v; want 5", len(files), err)
	}
	for _, f := range files {
		if info, err := f.Info(); err != nil || info.Mode() != 0o600 {
			t.Errorf("%s has mode %v, %v", f.Name(), info.Mode(), err)
		}
	}
	if set.HostKey != filepath.Join(dir, contract.HostKeyFile) || set.AuthorizedKeys != filepath.Join(dir, contract.AuthorizedKeysFile) {
		t.Errorf("the files to send are %+v", set)
	}
	if loaded, err := Load(dir); err != nil || loaded != set {
		t.Errorf("Load: %+v, %v; want %+v", loaded, err, set)
	}
	if again := makeKeys(t, dir, ""); again != set {
		t.Errorf("made anew: %+v, not %+v", again, set)
	}
	if other := makeKeys(t, t.TempDir(), ""); other.Fingerprint == set.Fingerprint {
		t.Error("two targets have the same host key")
	}
}

// TestStockTools has ssh-keygen read what was made.
func TestStockTools(t *testing.T) {
	dir := t.TempDir()
	set := makeKeys(t, dir, "")
	keygen := func(args ...string) string {
		t.Helper()
		out, err := exec.Command("ssh-keygen", args...).CombinedOutput()
		if err != nil {
			t.Fatalf("ssh-keygen %q: %v\n%s", args, err, out)
		}
		return string(out)
	}
	if out := keygen("-l", "-f", filepath.Join(dir, HostPublic)); !strings.Contains(out, " "+set.Fingerprint+" ") {
		t.Errorf("ssh-keygen prints %q, Perch %s", out, set.Fingerprint)
	}
	if out := keygen("-F", "perch-0011", "-f", filepath.Join(dir, KnownHosts)); !strings.Contains(out, "ssh-ed25519") {
		t.Errorf("known_hosts: %q", out)
	}
	public := strings.Fields(keygen("-y", "-f", filepath.Join(dir, Identity)))
	if got := read(t, set.AuthorizedKeys); !strings.HasPrefix(got, public[0]+" "+public[1]) {
		t.Errorf("the authorized key is %q, the user's %q", got, public)
	}
}

// TestLostKey: what is lost is made anew, what is there stays.
func TestLostKey(t *testing.T) {
	for name, sameHost := range map[string]bool{Identity: false, contract.HostKeyFile: false, KnownHosts: true} {
		dir := t.TempDir()
		set := makeKeys(t, dir, "")
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
		if _, err := Load(dir); (name != KnownHosts) != errors.Is(err, fs.ErrNotExist) {
			t.Errorf("without %s: %v", name, err)
		}
		again := makeKeys(t, dir, "")
		if (again.Fingerprint == set.Fingerprint) != sameHost {
			t.Errorf("without %s: the host key stayed is not %v", name, sameHost)
		}
		if !strings.Contains(read(t, filepath.Join(dir, KnownHosts)), strings.Fields(read(t, filepath.Join(dir, HostPublic)))[1]) {
			t.Errorf("without %s: known_hosts has another host key", name)
		}
	}
}

// TestBrokenKey is not replaced unasked: a job may run with it.
func TestBrokenKey(t *testing.T) {
	for _, name := range []string{Identity, contract.HostKeyFile} {
		for _, text := range []string{"", "half of a k", "-----BEGIN OPENSSH PRIVATE KEY-----\nAAAA\n-----END OPENSSH PRIVATE KEY-----\n"} {
			dir := t.TempDir()
			makeKeys(t, dir, "")
			path := filepath.Join(dir, name)
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := Make(dir, "a", ""); err == nil || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "remove the file") {
				t.Errorf("%s with %q: %v", name, text, err)
			}
			if got := read(t, path); got != text {
				t.Errorf("%s was overwritten", name)
			}
		}
	}
}

const otherKey = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIIE/xoCmSF6cnvXsCmEhpEHAlS1Vrv4iMbVt/7bRN2rV laptop"

func TestExtraKeys(t *testing.T) {
	dir := t.TempDir()
	extra := filepath.Join(dir, "extra")
	text := "# mine\n\n  " + otherKey + "\nrestrict,command=\"a b\" " + otherKey + "\n\n\n"
	if err := os.WriteFile(extra, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	set := makeKeys(t, dir, extra)
	got := read(t, set.AuthorizedKeys)
	first, rest, _ := strings.Cut(got, "\n")
	if !strings.HasPrefix(first, "ssh-ed25519 ") || rest != strings.TrimRight(text, "\n")+"\n" {
		t.Errorf("got %q", got)
	}
	// A key that is taken out of the file is out at the next job.
	if err := os.WriteFile(extra, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	makeKeys(t, dir, extra)
	if got := read(t, set.AuthorizedKeys); strings.TrimSpace(got) != first {
		t.Errorf("after its removal: %q", got)
	}
}

func TestBrokenExtraKeys(t *testing.T) {
	for text, want := range map[string]string{
		otherKey + "\nssh-ed25519 AAAA half\n": "line 2",
		"-----BEGIN OPENSSH PRIVATE KEY-----":  "line 1",
		"\n\nssh-rsa":                          "line 3",
		"\x00\xff":                             "line 1",
	} {
		dir := t.TempDir()
		extra := filepath.Join(dir, "extra")
		if err := os.WriteFile(extra, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := Make(dir, "a", extra)
		if err == nil || !strings.Contains(err.Error(), extra+", "+want) || !strings.Contains(err.Error(), "correct that line") {
			t.Errorf("%q: %v", text, err)
		}
		if _, err := os.Stat(filepath.Join(dir, contract.AuthorizedKeysFile)); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%q: the authorized keys were written all the same: %v", text, err)
		}
	}
	if _, err := Make(t.TempDir(), "a", "/no/such/file"); err == nil || !strings.Contains(err.Error(), "correct the path in the configuration") {
		t.Errorf("a missing file: %v", err)
	}
}

func FuzzExtra(f *testing.F) {
	f.Add([]byte("# a\n" + otherKey + "\n"))
	f.Add([]byte("command=\"x\\\"y\",restrict " + otherKey))
	f.Add([]byte("\n \t\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		got, err := checkExtra("f", data)
		if err == nil && (len(got) == 0 || got[len(got)-1] != '\n') {
			t.Errorf("%q has no end: a further line would join its last", got)
		}
		if err != nil && got != nil {
			t.Errorf("%q is wrong, and %q was taken", data, got)
		}
	})
}

func TestMakeWithoutFolder(t *testing.T) {
	if _, err := Make(filepath.Join(t.TempDir(), "gone"), "a", ""); err == nil || !strings.Contains(err.Error(), "free some space and try again") {
		t.Errorf("error %v", err)
	}
}
