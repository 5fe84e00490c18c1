// Package base gets the image that an environment starts from: the public one
// that its Containerfile names, one that the caller names, or, where no
// registry can be reached, one made here with mmdebstrap from the mirror that
// this machine's own apt uses.
package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/gofrs/flock"

	"perch/ci/internal/steps"
	"perch/ci/internal/tool"
	"perch/ci/internal/turn"
)

// Mmdebstrap is the word that stands for a base made here, as the value of
// --base.
const Mmdebstrap = "mmdebstrap"

// Storage is where a program that builds images keeps them.
type Storage interface {
	// ID is an error if there is no such image.
	ID(ctx context.Context, image string) (string, error)
	// Pull gets an image from its registry, again even if it is here. What it
	// says on the way goes to watch as well.
	Pull(ctx context.Context, image string, watch io.Writer) error
	// Import makes an image, named tag, of a root file system.
	Import(ctx context.Context, tarFile, tag string) error
}

// Maker gets base images.
type Maker struct {
	Storage Storage
	// Log gets what the tools print, Steps what the user should read.
	Log   io.Writer
	Steps *steps.Steps
	// Cache is a directory for the time of the making.
	Cache string
	// Fresh gets or makes a base anew although there is one.
	Fresh bool
}

// Get returns the name of a base image that can be built from. wanted is
// what the caller named, or "": then it is public, the Containerfile's default,
// or the base for suite made by mmdebstrap where public cannot be had.
func (m Maker) Get(ctx context.Context, wanted, public, suite string) (string, error) {
	switch wanted {
	case Mmdebstrap:
		return m.debian(ctx, suite)
	case "":
		return m.publicOrDebian(ctx, public, suite)
	}
	return wanted, nil
}

func (m Maker) publicOrDebian(ctx context.Context, public, suite string) (string, error) {
	_, err := m.Storage.ID(ctx, public)
	if err == nil && (!m.Fresh || strings.HasPrefix(public, here)) {
		return public, nil
	}
	if strings.HasPrefix(public, here) {
		return "", fmt.Errorf("the base %s is not there; build it first, or name another with --base", public)
	}
	m.Steps.Begin("", "pulling %s", public)
	err = pull(ctx, m.Storage, public)
	var unreachable unreachableError
	if err == nil || ctx.Err() != nil {
		return public, err
	}
	if !errors.As(err, &unreachable) {
		return "", fmt.Errorf("pulling %s: %w; name another base with --base", public, err)
	}
	if suite == "" {
		return "", fmt.Errorf("%s cannot be reached: %w; name another base with --base", public, err)
	}
	m.Steps.Line("%s cannot be reached (%v): taking a base made with mmdebstrap", public, err)
	return m.debian(ctx, suite)
}

// here begins the names of images that no registry has.
const here = "localhost/"

// made begins the names of the bases that are made here.
const made = here + "perch-base:"

// Environment returns what a build from the base image needs in its environment to
// reach the mirrors that this machine's apt uses: its proxies. Only a base made
// here has those mirrors.
func Environment(ctx context.Context, image string) ([]string, error) {
	if !strings.HasPrefix(image, made) {
		return nil, nil
	}
	_, env, err := machineOptions(ctx)
	return env, err
}

// debian returns the base of a Debian suite that is made here, once.
func (m Maker) debian(ctx context.Context, suite string) (string, error) {
	if suite == "" {
		return "", errors.New("this environment is no Debian, so mmdebstrap cannot make its base; name an image with --base")
	}
	if err := os.MkdirAll(m.Cache, 0o755); err != nil {
		return "", err
	}
	// Of no environment's name: the caller may hold that one's lock.
	lock := flock.New(filepath.Join(m.Cache, "."+suite+".base.lock"))
	if err := turn.Wait(ctx, lock, func() { m.Steps.Line("another build makes the base of Debian %s: waiting for it", suite) }); err != nil {
		return "", fmt.Errorf("waiting for another build's base of Debian %s: %w", suite, err)
	}
	defer lock.Unlock()
	name := made + suite
	if _, err := m.Storage.ID(ctx, name); err == nil && !m.Fresh {
		return name, nil
	}
	m.Steps.Begin("", "making a base of Debian %s with mmdebstrap", suite)
	return name, m.bootstrap(ctx, suite, name)
}

// bootstrapOptions ask for a small root. What mmdebstrap takes from this machine,
// and device files, which only root could unpack, are no part of an image.
var bootstrapOptions = []string{
	"--variant=minbase", "--include=ca-certificates", "--dpkgopt=force-unsafe-io", "--skip=output/dev",
	"--customize-hook=" + tidy,
}

// tidy removes from the root $1 what is of this machine or of this day; as
// images/shared/accounts.sh does later, the days of the accounts' passwords.
const tidy = `set -e
rm -f "$1/etc/resolv.conf" "$1/etc/hostname"
if [ -e "$1/etc/shadow" ]; then sed -i 's/^\([^:]*:[^:]*\):[1-9][0-9]*:/\1:1:/' "$1/etc/shadow"; fi
for file in passwd shadow group gshadow subuid subgid; do rm -f "$1/etc/$file-"; done`

// bootstrap makes the base of suite and names it name.
func (m Maker) bootstrap(ctx context.Context, suite, name string) error {
	if err := tool.Need("mmdebstrap"); err != nil {
		return err
	}
	mirrors, err := machineMirrors(ctx, m.Log)
	if err != nil {
		return err
	}
	options, env, err := machineOptions(ctx)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(m.Cache, "mmdebstrap-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	root := filepath.Join(dir, "root.tar")
	args := slices.Clone(bootstrapOptions)
	for _, option := range options {
		args = append(args, "--aptopt="+option)
	}
	args = append(append(args, suite, root), mirrors.sources(suite)...)
	if _, err := tool.RunIn(ctx, env, m.Log, "mmdebstrap", args...); err != nil {
		return err
	}
	return m.Storage.Import(ctx, root, name)
}
