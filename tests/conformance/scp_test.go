package conformance

import (
	"os"
	"testing"
)

// scp runs the stock scp by its old protocol (-O) or by sftp (-s).
func (j job) scp(t *testing.T, protocol string, args ...string) ran {
	t.Helper()
	return run(t, j.Command("scp", append(options{"-q", protocol, "-F", j.Config}, args...)...))
}

// Both protocols, files and trees, both ways.
func testSCP(t *testing.T, j job) {
	path, content := data(t, 300_000)
	for _, protocol := range []string{"-O", "-s"} {
		dir := t.TempDir()
		there := j.Alias + ":" + dir
		scp := func(args ...string) { t.Helper(); j.scp(t, protocol, args...).want(t, "", "", 0) }
		scp(path, there+"/a")
		same(t, dir+"/a", content)
		scp(there+"/a", dir+"/b")
		same(t, dir+"/b", content)
		for _, sub := range []string{"/one", "/two"} {
			if err := os.Mkdir(dir+sub, 0o755); err != nil {
				t.Fatal(err)
			}
		}
		scp(path, there+"/one")
		scp(there+"/a", there+"/b", dir+"/two")
		same(t, dir+"/two/b", content)
		scp("-r", dir+"/two", there+"/one/tree")
		same(t, dir+"/one/tree/a", content)
		scp("-r", there+"/one", dir+"/back")
		same(t, dir+"/back/tree/b", content)
		scp(there+"/two/*", dir+"/one")
		same(t, dir+"/one/b", content)
		scp("-p", path, there+"/kept")
		was, _ := os.Stat(path)
		if info, err := os.Stat(dir + "/kept"); err != nil || info.ModTime().Unix() != was.ModTime().Unix() || info.Mode() != was.Mode() {
			t.Errorf("%s -p: %v, %v", protocol, info, err)
		}
		if r := j.scp(t, protocol, path, there+"/nonesuch/x"); r.code == 0 || r.stderr == "" {
			t.Errorf("%s to no directory: got %+v", protocol, r)
		}
		if r := j.scp(t, protocol, there+"/nonesuch", dir+"/x"); r.code == 0 || r.stderr == "" {
			t.Errorf("%s of no file: got %+v", protocol, r)
		}
	}
}

// From the job to the job, through the client.
func testSCP3(t *testing.T, j job) {
	path, content := data(t, 300_000)
	for _, protocol := range []string{"-O", "-s"} {
		dir := t.TempDir()
		j.scp(t, protocol, "-3", j.Alias+":"+path, j.Alias+":"+dir+"/a").want(t, "", "", 0)
		same(t, dir+"/a", content)
	}
}

func testSCPURI(t *testing.T, j job) {
	path, content := data(t, 1000)
	for _, protocol := range []string{"-O", "-s"} {
		dir := t.TempDir()
		j.scp(t, protocol, path, "scp://someone@"+j.Alias+":2222/"+dir+"/a").want(t, "", "", 0)
		same(t, dir+"/a", content)
		j.scp(t, protocol, "scp://"+j.Alias+"/"+dir+"/a", dir+"/b").want(t, "", "", 0)
		same(t, dir+"/b", content)
	}
}
