package libc

import (
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
)

var cxxPlaces = []string{"usr/lib/*-linux-*/libstdc++.so.6", "usr/lib64/libstdc++.so.6", "usr/lib/libstdc++.so.6", "lib/*-linux-*/libstdc++.so.6", "lib64/libstdc++.so.6", "lib/libstdc++.so.6"}

var cxxVersion = regexp.MustCompile(`GLIBCXX_3\.4\.(\d{1,3})\x00`)

// wantedCxx is what VS Code's server needs: GLIBCXX_3.4.25.
const wantedCxx = 25

// Cxx is the last part of the version of the C++ library of the file system at
// root: 30 is GLIBCXX_3.4.30. -1: there is none.
func Cxx(root string) int {
	for _, place := range cxxPlaces {
		files, _ := filepath.Glob(filepath.Join(root, place))
		for _, file := range files {
			return newestCxx(file)
		}
	}
	return -1
}

func newestCxx(path string) (newest int) {
	f, err := os.Open(path)
	if err != nil {
		return -1
	}
	defer f.Close()
	content, _ := io.ReadAll(io.LimitReader(f, maxLibc))
	for _, m := range cxxVersion.FindAllSubmatch(content, -1) {
		if n, err := strconv.Atoi(string(m[1])); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}
