// Package buildah drives the program of that name: it builds images in a
// storage of Perch's own, exports them, and unpacks them into directories.
//
// Unpacking is left to buildah as well (a container made from the image is
// mounted and copied) rather than to umoci or to code of ours: it is needed for
// building anyway, and it applies layers, with their whiteouts and hard links,
// the way the builder made them.
package buildah

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"perch/ci/internal/steps"
	"perch/ci/internal/tool"
)

// Buildah is a storage, and where to log what happens with it. Several
// processes may use the same storage at once.
type Buildah struct {
	flags []string
	env   []string
	log   io.Writer
}

// Open returns the storage in dir, which it makes. It takes overlay, with which
// layers are not copied, where that works, else vfs.
func Open(ctx context.Context, dir string, log io.Writer) (*Buildah, error) {
	if err := tool.Need("buildah"); err != nil {
		return nil, err
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return nil, err
	}
	for _, driver := range []string{"overlay", "vfs"} {
		// What is mounted is noted in the run root; a note does not
		// outlive a boot.
		b := &Buildah{log: log, flags: []string{
			"--root", filepath.Join(dir, "storage"),
			"--runroot", filepath.Join(dir, "run-"+string(boot[:8])),
			"--storage-driver", driver,
		}}
		if _, err = b.run(ctx, "info"); err == nil {
			return b, nil
		}
	}
	return nil, err
}

// Build builds the Containerfile in the directory dir, with dir as context, and
// names the image tag. It returns the image's id, which is the same whenever
// base and context are: times are clamped to 0. fresh uses no earlier layer. env has
// proxies, which buildah hands on to commands, and keeps out of the image. at is
// called with each step that buildah begins.
func (b *Buildah) Build(ctx context.Context, dir, base, tag string, fresh bool, env []string, at func(string)) (string, error) {
	watched := &Buildah{flags: b.flags, env: env, log: io.MultiWriter(b.log, &steps.Writer{At: at})}
	_, err := watched.run(ctx, "bud", "--isolation", "chroot", "--timestamp", "0", "--force-rm", "--layers", fmt.Sprintf("--no-cache=%v", fresh),
		"--build-arg", "BASE="+base, "--tag", tag, "--file", filepath.Join(dir, "Containerfile"), dir)
	if err != nil {
		return "", err
	}
	return b.ID(ctx, tag)
}

// ID returns the id of an image that the storage holds; it is an error if it
// holds none of that name.
func (b *Buildah) ID(ctx context.Context, image string) (string, error) {
	return b.run(ctx, "inspect", "--type", "image", "--format", "{{.FromImageID}}", image)
}

// Pull gets an image from its registry, again even if the storage holds it. What
// buildah says goes to watch as well.
func (b *Buildah) Pull(ctx context.Context, image string, watch io.Writer) error {
	watched := &Buildah{flags: b.flags, log: io.MultiWriter(b.log, watch)}
	_, err := watched.run(ctx, "pull", "--quiet", "--policy", "always", image)
	return err
}

// Save writes an image into a new directory, an OCI image layout.
func (b *Buildah) Save(ctx context.Context, image, dir string) error {
	_, err := b.run(ctx, "push", "--quiet", image, "oci:"+dir)
	return err
}

// Digest returns the digest of the manifest of an image that the storage holds,
// or "" of one that a Build took from elsewhere.
func (b *Buildah) Digest(ctx context.Context, image string) (string, error) {
	if _, err := b.ID(ctx, image); err != nil {
		return "", nil
	}
	return b.run(ctx, "inspect", "--type", "image", "--format", "{{.FromImageDigest}}", image)
}

// Import makes an image of one layer, named tag, from a tar file of a root file
// system.
func (b *Buildah) Import(ctx context.Context, tarFile, tag string) error {
	c, err := b.run(ctx, "from", "scratch")
	if err != nil {
		return err
	}
	defer b.discard(ctx, "rm", c)
	if _, err := b.run(ctx, "add", "--quiet", c, tarFile, "/"); err != nil {
		return err
	}
	if _, err := b.run(ctx, "config", "--cmd", "/bin/bash", c); err != nil {
		return err
	}
	_, err = b.run(ctx, "commit", "--quiet", "--timestamp", "0", c, tag)
	return err
}

// Forget removes an image, or its name where other images need it.
func (b *Buildah) Forget(ctx context.Context, image string) { b.discard(ctx, "rmi", image) }

// copyOut copies the root of the container $1 into the directory $2. Without
// root it runs in a user namespace, whose other uids cannot own files outside.
const copyOut = `c=$1 to=$2; shift 2; root=$("$@" mount "$c") && cp -a $PERCH_CP "$root/." "$to" && chmod 755 "$to"; r=$?; "$@" umount "$c" >&2; exit $r`

// UnpackArchive copies the root of the image in an OCI archive into dir, which it
// makes.
func (b *Buildah) UnpackArchive(ctx context.Context, archive, dir string) error {
	c, err := b.run(ctx, "from", "--quiet", "oci-archive:"+archive)
	if err != nil {
		return err
	}
	image, err := b.run(ctx, "inspect", "--format", "{{.FromImage}}", c)
	if err == nil {
		defer b.Forget(ctx, image)
	}
	return b.unpack(ctx, c, dir)
}

// Unpack copies the root of an image in the storage into dir, which it makes.
func (b *Buildah) Unpack(ctx context.Context, image, dir string) error {
	c, err := b.run(ctx, "from", "--quiet", image)
	if err != nil {
		return err
	}
	return b.unpack(ctx, c, dir)
}

// unpack copies the root of the container c into dir, and removes c.
func (b *Buildah) unpack(ctx context.Context, c, dir string) error {
	defer b.discard(ctx, "rm", c)
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	command := []string{"env", "PERCH_CP=", "sh", "-c", copyOut, "copy-out", c, dir, "buildah"}
	if os.Geteuid() != 0 {
		command = append([]string{"buildah", "unshare"}, command...)
		command[3] = "PERCH_CP=--no-preserve=ownership"
	}
	command = append(command, b.flags...)
	_, err := tool.Run(ctx, b.log, command[0], command[1:]...)
	return err
}

// discard runs a command that tidies up, also when ctx has ended. What it could
// not do stands in the log.
func (b *Buildah) discard(ctx context.Context, command ...string) {
	_, _ = b.run(context.WithoutCancel(ctx), command...)
}

// notSealed is what buildah says when it cannot seal the copy of itself in memory
// that a command of a build is run by: now and then the kernel has a page of it in
// hand (fcntl(2), F_SEAL_WRITE, EBUSY). Then the same command is tried anew, up to
// so many times; what was built is a layer already.
const (
	notSealed = "sealing memfd copy: Device or resource busy"
	tries     = 3
)

func (b *Buildah) run(ctx context.Context, command ...string) (string, error) {
	for try := 1; ; try++ {
		out, err := tool.RunIn(ctx, b.env, b.log, "buildah", append(b.flags[:len(b.flags):len(b.flags)], command...)...)
		if try < tries && err != nil && strings.Contains(err.Error(), notSealed) {
			continue
		}
		return strings.TrimSpace(out), err
	}
}
