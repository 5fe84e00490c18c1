package bundle

import (
	"cmp"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"
)

// mounts returns everything that is mounted beside the image, shallow paths
// first, so that nothing covers what lies in it. It makes the directories for
// /tmp in the scratch directory.
func (j Job) mounts() ([]specs.Mount, error) {
	mounts := append(kernelMounts(), bind(j.Scratch, j.Scratch, "rw"))
	tmp, err := j.tmpMounts()
	if err != nil {
		return nil, err
	}
	mounts = append(mounts, tmp...)
	for _, name := range append([]string{"/etc/resolv.conf", "/etc/hosts"}, j.Binds...) {
		if _, err := os.Stat(name); err == nil {
			mounts = append(mounts, bind(name, name, "ro"))
		}
	}
	if rootless() {
		self, err := launcherProgram()
		if err != nil {
			return nil, err
		}
		mounts = append(mounts, bind(self, launcher, "ro"))
	}
	slices.SortStableFunc(mounts, func(a, b specs.Mount) int {
		return cmp.Compare(strings.Count(a.Destination, "/"), strings.Count(b.Destination, "/"))
	})
	return mounts, nil
}

// kernelMounts are the kernel's own file systems, as OCI runtimes use to mount
// them.
func kernelMounts() []specs.Mount {
	pts := []string{"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"}
	sys := specs.Mount{Destination: "/sys", Type: "sysfs", Source: "sysfs", Options: []string{"nosuid", "noexec", "nodev", "ro"}}
	if rootless() {
		// The machine's network belongs to another user namespace: a new
		// sysfs, which shows it, is not allowed.
		sys = bind("/sys", "/sys", "ro", "noexec")
	} else {
		pts = append(pts, "gid=5")
	}
	return []specs.Mount{
		{Destination: "/proc", Type: "proc", Source: "proc", Options: []string{"nosuid", "noexec", "nodev"}},
		{Destination: "/dev", Type: "tmpfs", Source: "tmpfs", Options: []string{"nosuid", "strictatime", "mode=755", "size=65536k"}},
		sys,
		{Destination: "/dev/pts", Type: "devpts", Source: "devpts", Options: pts},
		{Destination: "/dev/shm", Type: "tmpfs", Source: "shm", Options: []string{"nosuid", "nodev", "mode=1777"}},
	}
}

// tmpMounts are /tmp and /var/tmp.
func (j Job) tmpMounts() ([]specs.Mount, error) {
	var mounts []specs.Mount
	for _, name := range []string{"/tmp", "/var/tmp"} {
		if j.TmpSize > 0 {
			mounts = append(mounts, specs.Mount{Destination: name, Type: "tmpfs", Source: "tmpfs",
				Options: []string{"nosuid", "nodev", "mode=1777", fmt.Sprintf("size=%d", j.TmpSize)}})
			continue
		}
		dir := filepath.Join(j.Scratch, name)
		if err := j.makeTmp(dir); err != nil {
			return nil, err
		}
		mounts = append(mounts, bind(dir, name, "rw"))
	}
	return mounts, nil
}

// makeTmp makes dir, below the scratch directory, open to all like /tmp.
func (j Job) makeTmp(dir string) error {
	if parent := filepath.Dir(dir); parent != j.Scratch {
		if err := j.makeOwn(parent, 0o755); err != nil {
			return err
		}
	}
	return j.makeOwn(dir, 0o777|os.ModeSticky)
}

// makeOwn makes one directory that belongs to the job, unless it is there. It
// does not follow a link that the job may have put there.
func (j Job) makeOwn(dir string, mode os.FileMode) error {
	if err := os.Mkdir(dir, 0o700); os.IsExist(err) {
		if info, err := os.Lstat(dir); err != nil || !info.IsDir() {
			return fmt.Errorf("%s is not a directory; remove it", dir)
		}
		return nil
	} else if err != nil {
		return err
	}
	if err := os.Chmod(dir, mode); err != nil {
		return err
	}
	return os.Lchown(dir, j.UID, j.GID)
}

// bind mounts source, with what is mounted in it, at destination. In a user
// namespace a mount must keep what the machine's administrator has forbidden on
// it (mount_namespaces(7), "locked"), so a noexec stays.
func bind(source, destination string, options ...string) specs.Mount {
	options = append([]string{"rbind", "nosuid", "nodev"}, options...)
	var fs unix.Statfs_t
	if unix.Statfs(source, &fs) == nil && fs.Flags&unix.ST_NOEXEC != 0 {
		options = append(options, "noexec")
	}
	return specs.Mount{Destination: destination, Type: "bind", Source: source, Options: options}
}

// targets returns the mount points of mounts, and as what each has to be there.
// runc gives a tmpfs the mode of the directory on which it is mounted.
func targets(mounts []specs.Mount) map[string]fs.FileMode {
	modes := make(map[string]fs.FileMode)
	for _, m := range mounts {
		modes[m.Destination] = fs.ModeDir | 0o755
		if m.Type == "bind" {
			if info, err := os.Stat(m.Source); err == nil && !info.IsDir() {
				modes[m.Destination] = 0o644
			}
		}
		if slices.Contains(m.Options, "mode=1777") {
			modes[m.Destination] = fs.ModeDir | fs.ModeSticky | 0o777
		}
	}
	return modes
}
