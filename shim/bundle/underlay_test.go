package bundle

import (
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestModeOfMountPoints(t *testing.T) {
	root := filepath.Join(t.TempDir(), "root")
	_, err := skeleton(root, t.TempDir(), map[string]fs.FileMode{
		"/tmp": fs.ModeDir | fs.ModeSticky | 0o777, "/tmp/a/scratch": fs.ModeDir | 0o755, "/etc/hosts": 0o644,
	})
	if err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"/": "drwxr-xr-x", "/tmp": "dtrwxrwxrwx", "/tmp/a": "drwxr-xr-x", "/etc/hosts": "-rw-r--r--"} {
		info, err := os.Stat(root + path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().String(); got != want {
			t.Errorf("%s has mode %s, want %s", path, got, want)
		}
	}
}

// makeTree makes files in dir: "x/" is a directory, "x -> y" a link, else a file.
func makeTree(t *testing.T, dir string, entries ...string) {
	t.Helper()
	for _, e := range entries {
		link, target, isLink := strings.Cut(e, " -> ")
		path := filepath.Join(dir, link)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		switch {
		case isLink:
			err = os.Symlink(target, path)
		case strings.HasSuffix(e, "/"):
			err = os.MkdirAll(path, 0o755)
		default:
			err = os.WriteFile(path, nil, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// tree lists dir in the form that makeTree takes, sorted.
func tree(t *testing.T, dir string) []string {
	t.Helper()
	var entries []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || path == dir {
			return err
		}
		name := strings.TrimPrefix(path, dir+"/")
		if d.IsDir() {
			name += "/"
		} else if target, err := os.Readlink(path); err == nil {
			name += " -> " + target
		}
		entries = append(entries, name)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(entries)
	return entries
}

func TestSkeleton(t *testing.T) {
	for _, c := range []struct {
		name         string
		image        []string
		targets      map[string]fs.FileMode
		root, mounts []string
	}{{
		name:    "mount points missing at the top",
		image:   []string{"usr/bin/", "bin -> usr/bin", "init"},
		targets: map[string]fs.FileMode{"/proc": fs.ModeDir | 0o755, "/home/alice/dir_1": fs.ModeDir | 0o755},
		root:    []string{"bin -> usr/bin", "home/", "home/alice/", "home/alice/dir_1/", "init", "proc/", "usr/"},
		mounts:  []string{"/init", "/usr"},
	}, {
		name:    "mount points that the image has",
		image:   []string{"etc/hosts", "tmp/left", "var/tmp/"},
		targets: map[string]fs.FileMode{"/tmp": fs.ModeDir | 0o755, "/var/tmp": fs.ModeDir | 0o755, "/etc/hosts": 0o644},
		root:    []string{"etc/", "tmp/", "var/"},
		mounts:  []string{"/etc", "/var"},
	}, {
		name:    "scratch in a directory that the image has",
		image:   []string{"var/lib/dpkg/status", "var/log/", "var/run -> /run"},
		targets: map[string]fs.FileMode{"/var/lib/condor/dir_1": fs.ModeDir | 0o755},
		root:    []string{"var/", "var/lib/", "var/lib/condor/", "var/lib/condor/dir_1/", "var/lib/dpkg/", "var/log/", "var/run -> /run"},
		mounts:  []string{"/var/lib/dpkg", "/var/log"},
	}, {
		name:    "links on the way and in the place of a mount point",
		image:   []string{"etc/resolv.conf -> ../run/resolv.conf", "etc/passwd", "home -> var/home", "var/home/bob/"},
		targets: map[string]fs.FileMode{"/etc/resolv.conf": 0o644, "/home/alice": fs.ModeDir | 0o755},
		root:    []string{"etc/", "etc/passwd", "etc/resolv.conf", "home/", "home/alice/", "var/"},
		mounts:  []string{"/etc/passwd", "/var"},
	}} {
		t.Run(c.name, func(t *testing.T) {
			image, root := t.TempDir(), filepath.Join(t.TempDir(), "root")
			makeTree(t, image, c.image...)
			before := tree(t, image)
			mounts, err := skeleton(root, image, c.targets)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, m := range mounts {
				got = append(got, m.Destination)
				if m.Source != image+m.Destination || !slices.Contains(m.Options, "ro") {
					t.Errorf("%s is mounted from %s with %v, want from the image, read-only", m.Destination, m.Source, m.Options)
				}
			}
			if d := cmp.Diff(c.mounts, got); d != "" {
				t.Errorf("mounts (-want +got):\n%s", d)
			}
			if d := cmp.Diff(c.root, tree(t, root)); d != "" {
				t.Errorf("root (-want +got):\n%s", d)
			}
			if d := cmp.Diff(before, tree(t, image)); d != "" {
				t.Errorf("the image was changed:\n%s", d)
			}
		})
	}
}
