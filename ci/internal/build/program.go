package build

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"

	"perch/ci/internal/base"
	"perch/ci/internal/buildah"
	"perch/ci/internal/podman"
	"perch/ci/internal/tool"
)

// Programs are those that can build images, the preferred one first.
var Programs = []string{"buildah", "podman", "docker"}

// program is one of them, with the images that it keeps.
type program interface {
	base.Storage
	// Build builds the Containerfile in dir from base, names the image tag and
	// returns its id. Commands of the build have the proxies in env, and the
	// image does not. at is called with each step that begins.
	Build(ctx context.Context, dir, base, tag string, fresh bool, env []string, at func(string)) (string, error)
	Digest(ctx context.Context, image string) (string, error)
	// Save writes an image to path, in a form that source.Open reads.
	Save(ctx context.Context, image, path string) error
	Unpack(ctx context.Context, image, dir string) error
	Forget(ctx context.Context, image string)
}

// choose returns the program that is wanted, or the first that is there.
func choose(wanted string) (string, error) {
	if wanted != "" {
		if !slices.Contains(Programs, wanted) {
			return "", fmt.Errorf("there is no builder %q; there is: %s", wanted, strings.Join(Programs, ", "))
		}
		return wanted, tool.Need(wanted)
	}
	if i := slices.IndexFunc(Programs, tool.Have); i >= 0 {
		return Programs[i], nil
	}
	return "", tool.Need(Programs[0])
}

// open opens the program name. buildah's storage is Perch's own, in the
// directory cache.
func open(ctx context.Context, name, cache string, log io.Writer) (program, error) {
	if name == "buildah" {
		return buildah.Open(ctx, cache, log)
	}
	return podman.Open(ctx, name, log)
}
