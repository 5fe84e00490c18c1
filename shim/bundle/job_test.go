package bundle

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestJobsThatCannotRun(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "image.sif")
	if err := os.WriteFile(file, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, image, scratch, want string }{
		{"no image", filepath.Join(dir, "gone"), dir, "gone: no such file or directory"},
		{"image is a file", file, dir, "image.sif is not a directory; unpack the image first"},
		{"relative image", "image", dir, `"image" is not an absolute path in its shortest form`},
		{"unclean scratch", dir, dir + "/../x", "is not an absolute path"},
		{"scratch in /dev", dir, "/dev/shm", "the scratch directory /dev/shm cannot lie in /dev; choose another place"},
		{"scratch is /tmp", dir, "/tmp", "the scratch directory cannot be /tmp itself; make one in it"},
	} {
		t.Run(c.name, func(t *testing.T) {
			j := Job{Image: c.image, Scratch: c.scratch, UID: os.Geteuid(), GID: os.Getegid(), Args: []string{"x"}}
			made := filepath.Join(t.TempDir(), "bundle")
			_, err := Make(made, j)
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
			if _, err := os.Stat(made); err == nil {
				t.Errorf("%s was made all the same", made)
			}
		})
	}
}

func TestBelow(t *testing.T) {
	for _, c := range []struct {
		path, dir string
		want      bool
	}{
		{"/dev", "/dev", true},
		{"/dev/shm/x", "/dev", true},
		{"/devel", "/dev", false},
		{"/a", "/", true},
	} {
		if got := below(c.path, c.dir); got != c.want {
			t.Errorf("below(%q, %q) = %v, want %v", c.path, c.dir, got, c.want)
		}
	}
}
