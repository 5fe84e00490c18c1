package libc

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"

	"perch/entrypoint/internal/finding"
)

// DefaultSysroot is where an image, or a site's bind mount, may have a sysroot
// for old C libraries.
const DefaultSysroot = "/usr/local/share/perch/sysroot"

// What is the name of the oddity, see docs/job-home.md.
const What = "old C library"

// Linker is the variable that names the dynamic linker to which VS Code's server
// patches its node.
const Linker = "VSCODE_SERVER_CUSTOM_GLIBC_LINKER"

// loaders are the dynamic linkers by architecture, in the sysroot's lib or lib64.
var loaders = map[string]string{"amd64": "ld-linux-x86-64.so.2", "arm64": "ld-linux-aarch64.so.1"}

// Variables are what VS Code's server is patched with where the C library is
// older than it needs (https://code.visualstudio.com/docs/remote/faq): its
// linker, the directories of its libraries, and the program that patches.
type Variables struct {
	Linker, Path, Patchelf string
}

// Environ is the variables as assignments of the environment.
func (v Variables) Environ() map[string]string {
	return map[string]string{
		Linker:                            v.Linker,
		"VSCODE_SERVER_CUSTOM_GLIBC_PATH": v.Path,
		"VSCODE_SERVER_PATCHELF_PATH":     v.Patchelf,
	}
}

// Wire looks at the libraries of the file system at root and, where they are
// too old for an IDE's server, returns the variables that lead it to those of
// sysroot. path is PATH, for patchelf. What is amiss is found.
func Wire(root, sysroot, path string) (v Variables, wired bool, found finding.List) {
	old := tooOldFor(root)
	if old == "" {
		return v, false, nil
	}
	v, err := Sysroot(sysroot, path)
	if err != nil {
		found.Add(What, finding.Said, "%s, and the sysroot cannot be used: %v; use a newer image", old, err)
		return v, false, found
	}
	found.Add(What, finding.Around, "%s; VS Code's server is led to the libraries in %s", old, sysroot)
	return v, true, found
}

// tooOldFor says what is too old at root, if anything is.
func tooOldFor(root string) string {
	if name := Name(root); TooOld(name) {
		return fmt.Sprintf("the image has %s, VS Code's server needs 2.28", name)
	}
	if cxx := Cxx(root); cxx >= 0 && cxx < wantedCxx {
		return fmt.Sprintf("the image has a libstdc++ with GLIBCXX_3.4.%d, VS Code's server needs 3.4.%d", cxx, wantedCxx)
	}
	return ""
}

// Sysroot finds the parts of a sysroot, and makes sure that it is new enough.
func Sysroot(dir, path string) (v Variables, err error) {
	if !filepath.IsAbs(dir) {
		return v, fmt.Errorf("%q is no absolute path", dir)
	}
	for _, lib := range []string{"lib64", "lib", "usr/lib64", "usr/lib"} {
		linker := filepath.Join(dir, lib, loaders[runtime.GOARCH])
		if executable(linker) {
			v.Linker = linker
			break
		}
	}
	if v.Linker == "" {
		return v, fmt.Errorf("%s has no lib/%s", dir, loaders[runtime.GOARCH])
	}
	if name := Name(dir); TooOld(name) || !strings.HasPrefix(name, "glibc ") {
		return v, fmt.Errorf("%s has %q for a C library, at least glibc 2.28 is wanted", dir, name)
	}
	if v.Patchelf = findPatchelf(dir, path); v.Patchelf == "" {
		return v, fmt.Errorf("there is no patchelf in %s/bin, %[1]s/usr/bin or on PATH", dir)
	}
	v.Path = strings.Join(libraries(dir), ":")
	return v, nil
}

// libraries are the directories of a sysroot that have a C or C++ library.
func libraries(dir string) (dirs []string) {
	seen := map[string]bool{}
	for _, place := range append(glibcPlaces, cxxPlaces...) {
		files, _ := filepath.Glob(filepath.Join(dir, place))
		for _, file := range files {
			if d := filepath.Dir(file); !seen[d] {
				seen[d] = true
				dirs = append(dirs, d)
			}
		}
	}
	return dirs
}

func findPatchelf(dir, path string) string {
	for _, d := range append([]string{filepath.Join(dir, "bin"), filepath.Join(dir, "usr/bin")}, filepath.SplitList(path)...) {
		if program := filepath.Join(d, "patchelf"); filepath.IsAbs(program) && executable(program) {
			return program
		}
	}
	return ""
}

func executable(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.Mode().IsRegular() && unix.Access(path, unix.X_OK) == nil
}
