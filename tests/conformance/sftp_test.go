package conformance

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// sftp gives the stock sftp a batch; D in it stands for a directory.
func (j job) sftp(t *testing.T, dir, batch string, o ...string) ran {
	t.Helper()
	cmd := j.Command("sftp", append(append(options{"-q", "-F", j.Config, "-b", "-"}, o...), j.Alias)...)
	cmd.Stdin = strings.NewReader(strings.ReplaceAll(batch, "D/", dir+"/") + "\n")
	return run(t, cmd)
}

// done wants a batch to succeed.
func (j job) done(t *testing.T, dir, batch string, o ...string) ran {
	t.Helper()
	r := j.sftp(t, dir, batch, o...)
	if r.code != 0 {
		t.Errorf("%s: got %+v", batch, r)
	}
	return r
}

// A file there and back by buffers and numbers of requests of all kinds.
func testSFTP(t *testing.T, j job) {
	path, content := data(t, 300_001)
	dir := t.TempDir()
	for _, buffer := range []int{5000, 32 << 10, 64 << 10, 128 << 10} {
		for _, requests := range []int{1, 2, 64} {
			j.done(t, dir, "put "+path+" D/there\nget D/there D/back\nrm D/there",
				"-B", fmt.Sprint(buffer), "-R", fmt.Sprint(requests))
			same(t, dir+"/back", content)
			os.Remove(dir + "/back")
		}
	}
	// Without -B the client takes what the server says it may.
	r := j.done(t, dir, "put "+path+" D/there\nget D/there D/back", "-vvv")
	if same(t, dir+"/back", content); !strings.Contains(r.stderr, "using 261120 / 261120") {
		t.Errorf("the client does not know how much it may ask for at once:\n%s", r.stderr)
	}
}

func testSFTPCmds(t *testing.T, j job) {
	path, content := data(t, 70_000)
	dir := t.TempDir()
	at := func(name string) string { return filepath.Join(dir, name) }
	if r := j.done(t, dir, "pwd"); !strings.Contains(r.stdout, "Remote working directory: "+j.Home) {
		t.Errorf("pwd: got %+v", r)
	}
	j.done(t, dir, "mkdir D/sub\nput "+path+" D/a\nput "+path+" D/sub\nput \""+path+"\" \"D/with blank\"")
	same(t, at("a"), content)
	same(t, at("sub/data"), content)
	same(t, at("with blank"), content)
	if r := j.done(t, dir, "ls -1 D/sub/\nls -ln D/a"); !strings.Contains(r.stdout, "sub/data\n") || !strings.Contains(r.stdout, " 70000 ") {
		t.Errorf("ls: got %+v", r)
	}
	j.done(t, dir, "chmod 640 D/a\nsymlink D/a D/s\nln D/a D/h\nrename D/a D/b")
	if info, err := os.Stat(at("b")); err != nil || info.Mode().Perm() != 0o640 {
		t.Errorf("chmod: %v, %v", info, err)
	}
	if to, err := os.Readlink(at("s")); to != at("a") || err != nil {
		t.Errorf("symlink: %q, %v", to, err)
	}
	same(t, at("h"), content)
	j.done(t, dir, "rename D/b D/h") // over another
	same(t, at("h"), content)
	j.done(t, dir, "cd D/sub\nget data D/got\nput -p "+path+" kept\ndf D/sub")
	same(t, at("got"), content)
	was, _ := os.Stat(path)
	if info, err := os.Stat(at("sub/kept")); err != nil || info.ModTime().Unix() != was.ModTime().Unix() || info.Mode() != was.Mode() {
		t.Errorf("put -p: %v, %v", info, err)
	}
	j.done(t, dir, "mkdir D/tree\nput -R D/sub D/tree/\nget -R D/tree D/back")
	same(t, at("back/sub/data"), content)
	j.done(t, dir, "rm D/sub/*\nrmdir D/sub")
	if _, err := os.Stat(at("sub")); !os.IsNotExist(err) {
		t.Errorf("rmdir: %v", err)
	}
}

// Each of these fails, is said, and leaves what is there alone.
func testSFTPBadcmds(t *testing.T, j job) {
	path, content := data(t, 1000)
	dir := t.TempDir()
	j.done(t, dir, "put "+path+" D/file\nmkdir D/full\nput "+path+" D/full/file\nmkdir D/empty")
	for _, command := range []string{
		"get D/nonesuch D/x", "get D/nonesuch* D/x", "put D/nonesuch D/x", "put " + path + " D/nonesuch/x", "put D/nonesuch* D/",
		"rename D/nonesuch D/x", "rename D/file D/full/", "rename D/full D/file", "ln D/nonesuch D/x", "mkdir D/full",
		"cd D/file", "cd D/nonesuch", "rmdir D/full", "rmdir D/file", "rm D/empty", "copy D/file D/x", "rm D/nonesuch", "chmod 600 D/nonesuch", "ls D/nonesuch", "nonesuch",
	} {
		if r := j.sftp(t, dir, command); r.code != 1 || r.stderr == "" {
			t.Errorf("%s: got %+v", command, r)
		}
	}
	same(t, dir+"/file", content)
	same(t, dir+"/full/file", content)
	if _, err := os.Stat(dir + "/empty"); err != nil {
		t.Errorf("rm of a directory: %v", err)
	}
}

// A batch ends at the first failure, unless a minus stands before the command.
func testSFTPBatch(t *testing.T, j job) {
	path, content := data(t, 1000)
	dir := t.TempDir()
	if r := j.sftp(t, dir, "put "+path+" D/a\nget D/nonesuch\nput "+path+" D/b"); r.code != 1 {
		t.Errorf("a failure: got %+v", r)
	}
	same(t, dir+"/a", content)
	if _, err := os.Stat(dir + "/b"); !os.IsNotExist(err) {
		t.Errorf("after a failure: %v", err)
	}
	j.done(t, dir, "# a comment\n\n-get D/nonesuch\n@put "+path+" D/b")
	same(t, dir+"/b", content)
	if r := j.sftp(t, dir, "bye\nget D/nonesuch"); r.code != 0 {
		t.Errorf("after bye: got %+v", r)
	}
}

// Names that are patterns, and patterns for such names.
func testSFTPGlob(t *testing.T, j job) {
	for pattern, name := range map[string]string{
		`g-w*`: "g-wild", `"g-wild"`: "g-wild", `g-\*`: "g-*", `'g-[ab]'`: "g-[ab]", `g-\[ab\]`: "g-[ab]",
		`'quote"'`: `quote"`, `"it's"`: "it's", `back\\slash`: `back\slash`, `"two words"`: "two words", `g-?x`: "g-yx",
	} {
		dir := t.TempDir()
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
		j.done(t, dir, "cd "+dir+"\nget "+pattern+" D/got")
		same(t, dir+"/got", []byte(name))
	}
}

// What was cut off goes on where it ended, both ways.
func testSFTPResume(t *testing.T, j job) {
	path, content := data(t, 200_000)
	dir := t.TempDir()
	for _, part := range []int{0, 1, 100_000, len(content)} {
		for _, command := range []string{"reget " + path + " D/part", "reput " + path + " D/part"} {
			if part == len(content) && strings.HasPrefix(command, "reput") {
				continue // the client takes it for a failure
			}
			if err := os.WriteFile(dir+"/part", content[:part], 0o600); err != nil {
				t.Fatal(err)
			}
			j.done(t, dir, command)
			same(t, dir+"/part", content)
		}
	}
	if err := os.WriteFile(dir+"/part", append(content, 'x'), 0o600); err != nil {
		t.Fatal(err)
	}
	if r := j.sftp(t, dir, "reget "+path+" D/part"); r.code != 1 {
		t.Errorf("more than there is: got %+v", r)
	}
}

func testSFTPURI(t *testing.T, j job) {
	path, content := data(t, 1000)
	dir := t.TempDir()
	for _, uri := range []string{"sftp://" + j.Alias + "/", "sftp://someone@" + j.Alias + ":2222/"} {
		run(t, j.Command("sftp", "-q", "-F", j.Config, uri+path, dir+"/got"))
		same(t, dir+"/got", content)
		os.Remove(dir + "/got")
	}
}
