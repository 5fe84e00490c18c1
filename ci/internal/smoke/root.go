package smoke

import (
	"context"
	"errors"
	"fmt"
	"path"
	"slices"
	"strings"
)

// imageDirs have to be the image's, whatever else a place mounts.
var imageDirs = []string{"/", "/usr", "/etc", "/var"}

// checkRoot wants the image to be mounted read-only. What the user may write to
// says nothing: the image's files are mostly root's.
func checkRoot(ctx context.Context, j *job) (string, error) {
	mounts, err := j.client.session(ctx, "cat /proc/self/mountinfo")
	if err != nil {
		return "", err
	}
	var writable findings
	for _, dir := range imageDirs {
		ro, err := readOnly(mounts, dir)
		if err != nil {
			return "", err
		}
		if !ro {
			writable = append(writable, dir)
		}
	}
	return "", writable.err("mounted so that they can be written to")
}

// readOnly says whether what is mounted at a directory, or above it, is read-only:
// the mount itself, or its file system. mounts is proc_pid_mountinfo(5).
func readOnly(mounts, dir string) (bool, error) {
	const point, options, least = 4, 5, 6 // and those of the file system come last
	for ; ; dir = path.Dir(dir) {
		// Of several mounts at one place the last covers the others.
		for _, line := range slices.Backward(strings.Split(mounts, "\n")) {
			f := strings.Fields(line)
			if len(f) > least && f[point] == dir {
				both := f[options] + "," + f[len(f)-1]
				return slices.Contains(strings.Split(both, ","), "ro"), nil
			}
		}
		if dir == "/" {
			return false, errors.New("/proc/self/mountinfo has no root: " + fmt.Sprintf("%.100q", mounts))
		}
	}
}
