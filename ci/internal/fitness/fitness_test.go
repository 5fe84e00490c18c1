package fitness

import (
	"debug/elf"
	"encoding/binary"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/mutate"

	"perch/ci/internal/imagetest"
)

const glibc236 = "text\x00GNU C Library (Debian GLIBC 2.36-9) stable release version 2.36.\nCopyright\x00"

// good is what an image has to have, laid out as Debian's are.
var good = imagetest.Layer{
	"bin":                                "-> usr/bin",
	"usr/bin/bash":                       "elf",
	"usr/bin/sh":                         "-> bash",
	"usr/bin/tar":                        "elf",
	"usr/bin/gzip":                       "elf",
	"usr/bin/grep":                       "elf",
	"usr/bin/sed":                        "elf",
	"usr/bin/uname":                      "elf",
	"usr/bin/ps":                         "elf",
	"usr/bin/git":                        "elf",
	"usr/bin/curl":                       "elf",
	"etc/os-release":                     "-> ../usr/lib/os-release",
	"usr/lib/os-release":                 "ID=x\nPRETTY_NAME=\"Debian 12\"\n",
	"usr/lib/x86_64-linux-gnu/libc.so.6": glibc236,
	"usr/lib/x86_64-linux-gnu/libstdc++.so.6":      "-> libstdc++.so.6.0.30",
	"usr/lib/x86_64-linux-gnu/libstdc++.so.6.0.30": "elf",
}

// but is good without some paths.
func but(paths ...string) imagetest.Layer {
	l := maps.Clone(good)
	for _, p := range paths {
		delete(l, p)
	}
	return l
}

func TestExamine(t *testing.T) {
	const lib = "usr/lib/x86_64-linux-gnu/"
	for name, c := range map[string]struct {
		layers []imagetest.Layer
		libc   string
		// lacks are the beginnings of what is said.
		lacks []string
	}{
		"good":                {[]imagetest.Layer{good}, "glibc 2.36", nil},
		"in two layers":       {[]imagetest.Layer{but("usr/bin/git"), {"usr/bin/git": "elf"}}, "glibc 2.36", nil},
		"removed by a layer":  {[]imagetest.Layer{good, {"usr/bin/.wh.git": ""}}, "glibc 2.36", []string{"there is no git"}},
		"emptied by a layer":  {[]imagetest.Layer{good, {lib + ".wh..wh..opq": "", lib + "libc.so.6": glibc236}}, "glibc 2.36", []string{"there is no libstdc++"}},
		"a directory removed": {[]imagetest.Layer{good, {"usr/lib/.wh.x86_64-linux-gnu": ""}}, "", []string{"there is no C library"}},
		"nothing removed":     {[]imagetest.Layer{good, {".wh..": "", "usr/bin/.wh.": "", "usr/bin/.wh...": ""}}, "glibc 2.36", nil},
		"all emptied":         {[]imagetest.Layer{{"usr/bin/git": "elf"}, {".wh..wh..opq": ""}, but("usr/bin/git")}, "glibc 2.36", []string{"there is no git"}},
		"by absolute links":   {[]imagetest.Layer{but("usr/bin/git"), {"usr/bin/git": "-> /opt/git", "opt/git": "elf"}}, "glibc 2.36", nil},
		"by a hard link":      {[]imagetest.Layer{but("usr/bin/git"), {"opt/git": "elf", "usr/bin/git": "= opt/git"}}, "glibc 2.36", nil},
		"links in a circle":   {[]imagetest.Layer{but("usr/bin/git"), {"usr/bin/git": "-> got", "usr/bin/got": "-> git"}}, "glibc 2.36", []string{"there is no git"}},
		"old": {[]imagetest.Layer{but(lib+"libc.so.6", lib+"libstdc++.so.6.0.30"), {
			"lib64/libc-2.17.so": strings.ReplaceAll(glibc236, "2.36", "2.17"), "usr/lib64/libstdc++.so.6.0.19": "elf",
		}}, "glibc 2.17", []string{"its glibc 2.17 is older than 2.28", "its libstdc++.so.6.0.19 is older than 3.4.25"}},
		"musl":             {[]imagetest.Layer{but(lib + "libc.so.6"), {"lib/ld-musl-x86_64.so.1": "elf"}}, "musl", []string{"its C library is musl"}},
		"a libc elsewhere": {[]imagetest.Layer{but(lib + "libc.so.6"), {"opt/sysroot/usr/lib/libc.so.6": glibc236}}, "", []string{"there is no C library"}},
		"nothing": {[]imagetest.Layer{{"etc/os-release": "ID=x\n"}}, "", []string{"there is no shell", "there is no C library", "there is no tar",
			"there is no gzip", "there is no grep", "there is no sed", "there is no uname", "there is no ps", "there is no git", "there is neither curl nor wget"}},
		"no gzip": {[]imagetest.Layer{but("usr/bin/gzip")}, "glibc 2.36", []string{"there is no gzip: an IDE cannot unpack"}},
		"no grep": {[]imagetest.Layer{but("usr/bin/grep")}, "glibc 2.36", []string{"there is no grep: the script that starts"}},
		"no bash": {[]imagetest.Layer{but("usr/bin/bash", "usr/bin/sh"), {"bin/sh": "elf"}}, "glibc 2.36", []string{"there is no bash"}},
	} {
		r, err := Examine(imagetest.New(t, c.layers...))
		if err != nil || r.Libc != c.libc || !slices.EqualFunc(r.Lacks, c.lacks, strings.HasPrefix) {
			t.Errorf("%s: %+v, %v; want %q, %q", name, r, err, c.libc, c.lacks)
		}
		if name == "good" && r.System != "Debian 12" {
			t.Errorf("the system is %q", r.System)
		}
	}
}

func TestExamineDir(t *testing.T) {
	dir := t.TempDir()
	for name, content := range good {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		var err error
		if link, ok := strings.CutPrefix(content, "-> "); ok {
			err = os.Symlink(link, path)
		} else {
			err = os.WriteFile(path, []byte(content), 0o755)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	want, err := Examine(imagetest.New(t, good))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ExamineDir(dir); err != nil || !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, %v; want %+v, as packed", got, err, want)
	}
}

// TestExamineDirOfAnotherMachine: its shell tells.
func TestExamineDirOfAnotherMachine(t *testing.T) {
	shell, err := os.ReadFile("/bin/sh")
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "bin/sh")
	if err := os.Mkdir(filepath.Dir(path), 0o755); err != nil {
		t.Fatal(err)
	}
	const machineOffset = 18 // e_machine in elf(5)
	for _, c := range []struct {
		machine elf.Machine
		fits    bool
	}{{elf.Machine(binary.NativeEndian.Uint16(shell[machineOffset:])), true}, {elf.EM_S390, false}} {
		binary.NativeEndian.PutUint16(shell[machineOffset:], uint16(c.machine))
		if err := os.WriteFile(path, shell, 0o755); err != nil {
			t.Fatal(err)
		}
		_, err := ExamineDir(dir)
		if c.fits != (err == nil) || !c.fits && !strings.Contains(err.Error(), "an image for another machine (EM_S390), and this") {
			t.Errorf("%v: got %v", c.machine, err)
		}
	}
}

func TestExamineOfAnotherMachine(t *testing.T) {
	image := imagetest.New(t, good)
	file, err := image.ConfigFile()
	if err != nil {
		t.Fatal(err)
	}
	file = file.DeepCopy()
	file.Architecture = "s390x"
	other, err := mutate.ConfigFile(image, file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Examine(other); err == nil || !strings.Contains(err.Error(), "an image for linux/s390x") {
		t.Errorf("got %v", err)
	}
}

func BenchmarkExamine(b *testing.B) {
	var image v1.Image = imagetest.New(b, good)
	for b.Loop() {
		if _, err := Examine(image); err != nil {
			b.Fatal(err)
		}
	}
}
