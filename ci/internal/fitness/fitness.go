package fitness

import (
	"archive/tar"
	"bytes"
	"fmt"
	"path"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Report is what was found in an image.
type Report struct {
	// System is the PRETTY_NAME of its os-release, "" without one.
	System string
	// Libc is the C library with its version, such as "glibc 2.36" or "musl";
	// "" without one.
	Libc string
	// Shell says whether there is one.
	Shell bool
	// Lacks are sentences that say what does not work, and what to do.
	Lacks []string
}

// The oldest that VS Code's server runs with:
// https://code.visualstudio.com/docs/remote/linux#_remote-host-container-wsl-linux-prerequisites.
var (
	oldestGlibc     = version{2, 28}
	oldestLibstdcxx = version{3, 4, 25}
)

// setup is what lacks without a program that VS Code's script calls.
const setup = "the script that starts VS Code's server fails"

// tools are what an IDE's installer and a user call, and what lacks without.
var tools = []struct{ name, without string }{
	{"tar", "an IDE cannot unpack its server"},
	{"gzip", "an IDE cannot unpack its server"}, // tar -z calls it
	{"grep", setup},
	{"sed", setup},
	{"uname", setup},
	{"ps", "an IDE does not find its own processes"},
	{"git", "there is no source control in the IDE"},
}

// searched is where programs are looked for.
var searched = []string{"/usr/local/bin", "/usr/bin", "/bin", "/usr/local/sbin", "/usr/sbin", "/sbin"}

// Examine looks into an image. An image for another kind of machine, or one that
// cannot be read, is an error; all else stands in the report.
func Examine(image v1.Image) (Report, error) {
	config, err := image.ConfigFile()
	if err != nil {
		return Report{}, fmt.Errorf("reading the image's configuration: %w", err)
	}
	if err := Platform(config); err != nil {
		return Report{}, err
	}
	t, err := read(image)
	if err != nil {
		return Report{}, err
	}
	return examine(t, pathOf(config)), nil
}

// pathOf are the directories that the image itself searches.
func pathOf(config *v1.ConfigFile) []string {
	for _, variable := range config.Config.Env {
		if dirs, ok := strings.CutPrefix(variable, "PATH="); ok {
			return strings.Split(dirs, ":")
		}
	}
	return nil
}

// Platform is an error if an image is not for this kind of machine.
func Platform(config *v1.ConfigFile) error {
	if config.OS != "linux" || config.Architecture != runtime.GOARCH {
		return fmt.Errorf("it is an image for %s/%s, and this perch-entrypoint is for linux/%s", config.OS, config.Architecture, runtime.GOARCH)
	}
	return nil
}

// ExamineDir looks into an unpacked image. A directory does not say for what machine
// it is: its shell is looked at.
func ExamineDir(dir string) (Report, error) {
	t, err := readDir(dir)
	if err != nil {
		return Report{}, err
	}
	r := examine(t, nil)
	if !r.Shell {
		return r, nil
	}
	return r, machine(dir, t)
}

// examine looks for programs in dirs, too.
func examine(t tree, dirs []string) Report {
	var r Report
	has := func(program string) bool { return t.has(program, dirs) }
	r.System = t.system()
	if r.Shell = has("bash") || has("sh"); !r.Shell {
		r.lack("there is no shell: no session can start; install bash")
	} else if !has("bash") {
		r.lack("there is no bash: VS Code's terminals and scripts want it; install bash")
	}
	r.library(t)
	for _, tool := range tools {
		if !has(tool.name) {
			r.lack("there is no %s: %s; install it", tool.name, tool.without)
		}
	}
	if !has("curl") && !has("wget") {
		r.lack("there is neither curl nor wget: an IDE cannot fetch its server by itself; install one, or give the site an IDE cache")
	}
	return r
}

func (r *Report) lack(format string, args ...any) {
	r.Lacks = append(r.Lacks, fmt.Sprintf(format, args...))
}

// library looks at the C and C++ libraries.
func (r *Report) library(t tree) {
	glibc, found := t.glibc()
	switch {
	case found:
		r.Libc = "glibc " + glibc.String()
		if glibc.before(oldestGlibc) {
			r.lack("its %s is older than %s: VS Code's server does not start; take a newer base, or give the site a sysroot (docs/job-home.md)", r.Libc, oldestGlibc)
		}
	case t.musl():
		r.Libc = "musl"
		r.lack("its C library is musl: only VS Code's server for Alpine runs, and few extensions' programs; take a base with glibc")
		return
	default:
		r.lack("there is no C library: sessions work, but no IDE's server does; take a base with glibc")
		return
	}
	if v, found := t.libstdcxx(); !found {
		r.lack("there is no libstdc++.so.6: VS Code's server does not start; install libstdc++ (Debian: libstdc++6)")
	} else if v.before(oldestLibstdcxx) {
		r.lack("its libstdc++.so.6.0.%d is older than %s: VS Code's server does not start; take a newer base", v[2], oldestLibstdcxx)
	}
}

// has says whether a program is where programs are, or in one of dirs.
func (t tree) has(program string, dirs []string) bool {
	_, found := t.find(program, dirs)
	return found
}

// find returns the path of a program, behind links.
func (t tree) find(program string, dirs []string) (at string, found bool) {
	for _, dir := range slices.Concat(searched, dirs) {
		at, ok := t.walk(path.Join(dir, program))
		if f, found := t[at]; ok && found && f.kind == tar.TypeReg && f.mode&0o111 != 0 {
			return at, true
		}
	}
	return "", false
}

func (t tree) system() string {
	f, _ := t.follow("/etc/os-release")
	for line := range strings.Lines(string(f.content)) {
		if value, ok := strings.CutPrefix(line, "PRETTY_NAME="); ok {
			return strings.Trim(strings.TrimSpace(value), `"'`)
		}
	}
	return ""
}

var glibcRelease = regexp.MustCompile(`GNU C Library [^\n]*release version (\d+)\.(\d+)`)

// glibc finds the version as VS Code's own check does, by what the library
// prints when it is run.
func (t tree) glibc() (version, bool) {
	for name, f := range t {
		base := path.Base(name)
		if f.kind != tar.TypeReg || base != "libc.so.6" && !strings.HasPrefix(base, "libc-2.") || !inLibraryDir(name) {
			continue
		}
		if m := glibcRelease.FindSubmatch(f.content); m != nil {
			return version{number(m[1]), number(m[2])}, true
		}
	}
	return nil, false
}

func (t tree) musl() bool {
	for name, f := range t {
		if strings.HasPrefix(path.Base(name), "ld-musl-") && inLibraryDir(name) && (f.kind == tar.TypeReg || f.kind == tar.TypeSymlink) {
			return true
		}
	}
	return false
}

// libstdcxx takes the version from the file's name: libstdc++.so.6.0.N has
// GLIBCXX_3.4.N.
func (t tree) libstdcxx() (version, bool) {
	var newest version
	for name, f := range t {
		n, ok := strings.CutPrefix(path.Base(name), "libstdc++.so.6.0.")
		if !ok || f.kind != tar.TypeReg || !inLibraryDir(name) {
			continue
		}
		if v := (version{3, 4, number([]byte(n))}); newest.before(v) {
			newest = v
		}
	}
	return newest, newest != nil
}

// libraryDirs are those that the dynamic linker searches by itself, as tar files
// have them, with and without merged /usr: below them Debian's have one more
// level.
var libraryDirs = regexp.MustCompile(`^(usr/)?lib(64|32|x32)?/([a-z0-9_]+-linux-gnu[a-z0-9_]*/)?[^/]+$`)

func inLibraryDir(name string) bool { return libraryDirs.MatchString(name) }

// version is numbers, the first of which matters most.
type version []int

func (v version) before(w version) bool { return slices.Compare(v, w) < 0 }

func (v version) String() string {
	parts := make([]string, len(v))
	for i, n := range v {
		parts[i] = strconv.Itoa(n)
	}
	return strings.Join(parts, ".")
}

// number reads leading digits.
func number(s []byte) int {
	end := bytes.IndexFunc(s, func(r rune) bool { return r < '0' || r > '9' })
	if end < 0 {
		end = len(s)
	}
	n, _ := strconv.Atoi(string(s[:end]))
	return n
}
