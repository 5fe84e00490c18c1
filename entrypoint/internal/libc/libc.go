// Package libc says which C and C++ library a file system has, and finds newer
// ones for an IDE's server where a site has put some.
package libc

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

// Where distributions have the C library, below the root of a file system.
var (
	glibcPlaces = []string{"lib64/libc.so.6", "lib/libc.so.6", "lib/*-linux-*/libc.so.6", "usr/lib64/libc.so.6", "usr/lib/libc.so.6", "usr/lib/*-linux-*/libc.so.6"}
	muslPlaces  = []string{"lib/ld-musl-*.so.1", "usr/lib/ld-musl-*.so.1"}
)

// maxLibc bounds what is read of a C library, in bytes; they have about 2 MB.
const maxLibc = 32 << 20

var glibcVersion = regexp.MustCompile(`GNU C Library [^\n]{0,200}release version (\d+\.\d+)`)

// Name names the C library of the file system at root: "glibc 2.36", "glibc"
// where it does not tell its version, "musl", or "".
func Name(root string) string {
	for _, place := range glibcPlaces {
		files, _ := filepath.Glob(filepath.Join(root, place))
		for _, file := range files {
			return glibc(file)
		}
	}
	for _, place := range muslPlaces {
		if files, _ := filepath.Glob(filepath.Join(root, place)); len(files) > 0 {
			return "musl"
		}
	}
	return ""
}

func glibc(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return "glibc"
	}
	defer f.Close()
	content, _ := io.ReadAll(io.LimitReader(f, maxLibc))
	if m := glibcVersion.FindSubmatch(content); m != nil {
		return "glibc " + string(m[1])
	}
	return "glibc"
}

var named = regexp.MustCompile(`^glibc (\d+)\.(\d+)$`)

// TooOld says whether the C library is a glibc that VS Code's server does not
// run with (it needs 2.28).
func TooOld(libc string) bool {
	m := named.FindStringSubmatch(libc)
	if m == nil {
		return false
	}
	major, _ := strconv.Atoi(m[1])
	minor, _ := strconv.Atoi(m[2])
	return major < 2 || major == 2 && minor < 28
}
