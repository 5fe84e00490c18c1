package bundle

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// Job says what runs in the container, and as whom.
type Job struct {
	// Image is the absolute path of the image's unpacked root. It is never
	// modified.
	Image string
	// Scratch is the absolute path of the job's scratch directory, which must
	// exist and belong to UID. It has the same path inside, is the directory
	// in which the program starts, and goes into its environment as HOME
	// unless Env has one.
	Scratch string
	// UID and GID are whom the program runs as: those of this process, unless
	// that is root, which may choose.
	UID, GID int
	// Args is the program and its arguments. A name without slash is looked
	// for in Env's PATH, inside the image.
	Args []string
	// Env is the program's environment, each "NAME=value".
	Env []string
	// Hostname is the container's; "" is the machine's.
	Hostname string
	// Binds are absolute paths of the machine that the job sees too, such as
	// /cvmfs: under the same path, read-only. Those that do not exist are
	// left out.
	Binds []string
	// Loopback gives the job a network of its own, which has nothing but
	// 127.0.0.1 and ::1. Otherwise it has the machine's.
	Loopback bool
	// TmpSize makes /tmp and /var/tmp file systems in memory, each of at most
	// so many bytes. 0: they are the directories tmp and var/tmp in Scratch,
	// as with HTCondor's MOUNT_UNDER_SCRATCH.
	TmpSize int64
}

// check says what is wrong with a job, in words for whoever named the image.
func (j Job) check() error {
	for _, dir := range []string{j.Image, j.Scratch} {
		if !filepath.IsAbs(dir) || filepath.Clean(dir) != dir {
			return fmt.Errorf("%q is not an absolute path in its shortest form", dir)
		}
		if info, err := os.Stat(dir); err != nil {
			return err
		} else if !info.IsDir() {
			return fmt.Errorf("%s is not a directory; unpack the image first", dir)
		}
	}
	if len(j.Args) == 0 {
		return errors.New("no program to run")
	}
	if rootless() && (j.UID != os.Geteuid() || j.GID != os.Getegid()) {
		return fmt.Errorf("only root may run a job as uid %d, gid %d", j.UID, j.GID)
	}
	return checkScratchPlace(j.Scratch)
}

// checkScratchPlace refuses places that the container fills by itself.
func checkScratchPlace(scratch string) error {
	for _, taken := range []string{"/proc", "/sys", "/dev"} {
		if below(scratch, taken) {
			return fmt.Errorf("the scratch directory %s cannot lie in %s; choose another place", scratch, taken)
		}
	}
	if scratch == "/" || scratch == "/tmp" || scratch == "/var/tmp" {
		return fmt.Errorf("the scratch directory cannot be %s itself; make one in it", scratch)
	}
	return nil
}

// below says whether path is dir or lies in it; both are clean.
func below(path, dir string) bool {
	return path == dir || strings.HasPrefix(path, strings.TrimSuffix(dir, "/")+"/")
}

// rootless says whether runc has to do without root.
func rootless() bool { return os.Geteuid() != 0 }
