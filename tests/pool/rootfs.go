package pool

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// packages is what a pool has beside Debian's essential ones: the batch system,
// what its jobs and the clients of Perch need, and some tools to look at both.
var packages = []string{
	"condor", "apptainer", "fuse3", "squashfuse", "squashfs-tools", "fuse-overlayfs", "uidmap", "buildah", "netavark",
	"openssh-server", "openssh-client", "openssh-sftp-server", "rsync", "git",
	"busybox-static", "ca-certificates", "iproute2", "netbase", "python3-minimal",
	"file", "jq", "less", "procps", "psmisc", "socat", "strace", "xz-utils", "zstd",
}

// accounts is run in a new root. The ranges of subordinate ids are what
// Apptainer needs for --fakeroot; each user has some of its own.
const accounts = `chroot "$1" sh -ec '
	useradd --create-home --uid 1101 --shell /bin/bash alice
	useradd --create-home --uid 1102 --shell /bin/bash bob
	printf "alice:1000000:65536\nbob:1100000:65536\n" | tee /etc/subuid >/etc/subgid
	mkdir -p /images /host'`

// Build returns the directory of the version's root file system and makes it if
// it is not in the cache, which takes some minutes. It needs root, and the
// packages in Needs.
func Build(ctx context.Context, v Version) (string, error) {
	if os.Geteuid() != 0 {
		return "", errors.New("a pool needs file systems, devices and daemons of its own; run this as root")
	}
	suite, err := v.suite()
	if err != nil {
		return "", err
	}
	options := rootOptions(suite)
	root := artefact{family: string(v), key: hash(options), suffix: ".root", keep: 30 * 24 * time.Hour}
	return root.get(ctx, func(ctx context.Context, part string) error {
		return debootstrap(ctx, suite, part, options)
	})
}

// rootOptions are the options of mmdebstrap that say what the root contains.
func rootOptions(suite string) []string {
	return []string{
		"--variant=minbase",
		"--include=" + strings.Join(packages, ","),
		// Only sid has Apptainer; everything else is to come from the suite.
		fmt.Sprintf("--aptopt=APT::Default-Release %q", suite),
		"--dpkgopt=path-exclude=/usr/share/man/*",
		"--customize-hook=" + accounts,
	}
}

// debootstrap runs mmdebstrap into the directory target, which must not exist.
func debootstrap(ctx context.Context, suite, target string, options []string) error {
	mirror, err := debianMirror()
	if err != nil {
		return err
	}
	apt, err := aptOptions()
	if err != nil {
		return err
	}
	args := append([]string{"--mode=root", "--format=directory", "--dpkgopt=force-unsafe-io"}, options...)
	for _, option := range apt {
		args = append(args, "--aptopt="+option)
	}
	args = append(args, suite, target)
	for _, s := range []string{suite, "sid"} {
		args = append(args, fmt.Sprintf("deb %s %s main", mirror, s))
	}
	return runContained(exec.CommandContext(ctx, "mmdebstrap", args...))
}

// runContained runs a command with namespaces of its own, so that no process
// and no mount of it is left when it ends, is killed, or this process dies. The
// error has the last of what it printed.
func runContained(cmd *exec.Cmd) error {
	// The kernel sends Pdeathsig when the thread ends that started the command.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:   syscall.CLONE_NEWPID,
		Unshareflags: syscall.CLONE_NEWNS,
		Pdeathsig:    syscall.SIGKILL,
	}
	out, err := cmd.CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w:\n%s", cmd.Args[0], err, tail(string(out), 20))
	}
	return nil
}

// tail returns the last n lines of text.
func tail(text string, n int) string {
	lines := strings.Split(strings.TrimRight(text, "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}

// hash is a short name for what goes into a part of the cache.
func hash(parts []string) string {
	sum := sha256.Sum256([]byte(strings.Join(parts, "\x00")))
	return fmt.Sprintf("%x", sum[:6])
}
