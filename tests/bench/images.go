package main

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"

	"github.com/adrg/xdg"
	v1 "github.com/google/go-containerregistry/pkg/v1"

	"perch/tests/pool"
)

// pictures are the images that are measured.
var pictures = []picture{
	{name: "debian12"}, {name: "minimal", base: "debian12"}, {name: "debian13"}, {name: "debian11"},
	{name: "rpm-standin", first: "rpm-base", folder: "tests/rpm/images"},
}

// picture is an image that can be built where no registry is reached.
type picture struct {
	name string
	// first is what has to be built before it, folder where both are, if
	// that is not images/.
	first, folder string
	// base is the image of which the lowest layer is the base that this one
	// is made from, if that is not its own.
	base string
}

// imagePlan says how much is measured of images.
type imagePlan struct {
	// Starts is how often each container is started, Bakes how often an
	// archive is baked, Cached how often an image is built that has not
	// changed.
	Starts, Bakes, Cached int
	// Cold is the time after which no build from nothing begins.
	Cold time.Duration
}

var usualImagePlan = imagePlan{Starts: 20, Bakes: 5, Cached: 3, Cold: 8 * time.Minute}

// studio is where images are measured: dir is a directory that everybody can
// look into, root the repository.
type studio struct {
	place
	imagePlan
	root, dir string
}

// gallery is what was found out about images.
type gallery struct {
	Plan   imagePlan
	Images []pictured
	Baking baking
	Took   time.Duration
}

// pictured is what was found out about one.
type pictured struct {
	Name        string
	Size, Base  size
	Cold        Values
	CachedTable Table
	Starts      Table
}

// size is an image's, in bytes.
type size struct{ Packed, Unpacked int64 }

// measureImages measures the images, as root on this machine.
func measureImages(ctx context.Context, root string, plan imagePlan, stderr io.Writer) (g *gallery, err error) {
	began := time.Now()
	if os.Geteuid() != 0 {
		return nil, errors.New("containers run as another user; run this as root")
	}
	if err := pool.Install(ctx, append([]string{"buildah"}, pool.Needs...)...); err != nil {
		return nil, err
	}
	// On a disk, as images are.
	dir, err := os.MkdirTemp("", "perch-bench-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	if err := os.Chmod(dir, 0o755); err != nil {
		return nil, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	s := &studio{place: place{home: dir, bin: dir, self: self, say: saysTo(stderr)}, imagePlan: plan, root: root, dir: dir}
	for name, pkg := range map[string]string{"perch-entrypoint": "./entrypoint", "perch-ci": "./ci"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-ldflags=-s -w", "-o", s.program(name), pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := runIn(root, build); err != nil {
			return nil, err
		}
	}
	for _, p := range pictures {
		for _, args := range p.builds(s.images()) {
			if err := runIn(root, exec.CommandContext(ctx, s.program("perch-ci"), args...)); err != nil {
				return nil, err
			}
		}
	}
	g = &gallery{Plan: plan}
	for _, p := range pictures {
		one, err := s.measure(ctx, p)
		if err != nil {
			return nil, fmt.Errorf("measuring the image %s: %w", p.name, err)
		}
		g.Images = append(g.Images, one)
	}
	if g.Baking, err = s.bake(ctx, s.archive(pictures[0].name)); err != nil {
		return nil, err
	}
	if err := s.buildAll(ctx, g); err != nil {
		return nil, err
	}
	g.Took = time.Since(began)
	return g, nil
}

// images is the end-to-end tests' own directory of what perch-ci builds.
func (s *studio) images() string { return filepath.Join(xdg.CacheHome, "perch", "e2e") }

func (s *studio) archive(name string) string { return filepath.Join(s.images(), name+".tar") }

// measure measures how large an image is and how it starts.
func (s *studio) measure(ctx context.Context, p picture) (one pictured, err error) {
	one.Name = p.name
	base := filepath.Join(s.dir, "base")
	defer func() { err = errors.Join(err, os.RemoveAll(base)) }()
	lowest := p.name
	if p.base != "" {
		lowest = p.base
	}
	if one.Base.Packed, err = unpackLowest(ctx, s.archive(lowest), base); err != nil {
		return one, err
	}
	if one.Size.Packed, err = sizeOf(s.archive(p.name)); err != nil {
		return one, err
	}
	tree := filepath.Join(s.images(), p.name)
	for dir, size := range map[string]*size{base: &one.Base, tree: &one.Size} {
		if size.Unpacked, err = sizeOfTree(dir); err != nil {
			return one, err
		}
	}
	one.Starts, err = s.starts(ctx, p.name, tree, base)
	return one, err
}

// sizeOfTree adds up the files in a directory, each once.
func sizeOfTree(dir string) (sum int64, err error) {
	type inode struct{ device, number uint64 }
	seen := map[inode]bool{}
	err = filepath.WalkDir(dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		stat := info.Sys().(*syscall.Stat_t)
		if at := (inode{stat.Dev, stat.Ino}); !seen[at] {
			seen[at] = true
			sum += info.Size()
		}
		return nil
	})
	return sum, err
}

// unpackLowest unpacks the lowest layer of the image in an OCI archive into a new
// directory, and returns its size in the archive.
func unpackLowest(ctx context.Context, archive, dir string) (int64, error) {
	var index v1.IndexManifest
	var manifest v1.Manifest
	if err := readJSON(archive, "index.json", &index); err != nil {
		return 0, err
	}
	if len(index.Manifests) != 1 {
		return 0, fmt.Errorf("%s has %d images", archive, len(index.Manifests))
	}
	if err := readJSON(archive, blob(index.Manifests[0].Digest), &manifest); err != nil {
		return 0, err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return 0, err
	}
	content, err := fileIn(archive, blob(manifest.Layers[0].Digest))
	if err != nil {
		return 0, err
	}
	defer content.Close()
	unpack := exec.CommandContext(ctx, "tar", "-x", "-z", "-C", dir)
	unpack.Stdin = content
	return manifest.Layers[0].Size, runIn(dir, unpack)
}

func blob(digest v1.Hash) string { return "blobs/" + digest.Algorithm + "/" + digest.Hex }

func readJSON(archive, name string, value any) error {
	content, err := fileIn(archive, name)
	if err != nil {
		return err
	}
	defer content.Close()
	return json.NewDecoder(content).Decode(value)
}

// fileIn opens a file in a tar file.
func fileIn(archive, name string) (io.ReadCloser, error) {
	f, err := os.Open(archive)
	if err != nil {
		return nil, err
	}
	files := tar.NewReader(f)
	for {
		h, err := files.Next()
		if err != nil {
			f.Close()
			return nil, fmt.Errorf("looking for %s in %s: %w", name, archive, err)
		}
		if h.Name == name {
			return struct {
				io.Reader
				io.Closer
			}{files, f}, nil
		}
	}
}
