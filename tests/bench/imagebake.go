package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/tarball"
	"github.com/google/go-containerregistry/pkg/v1/types"
)

// The ways of the table of bakes.
const (
	byBake = "perch-ci bake"
	byCopy = "cp, and sha256sum of the copy"
)

// bakedSize is that of the archive that is baked, in bytes.
const bakedSize = 1 << 30

// baking is what was found out about bake.
type baking struct {
	Table Table
	// Base and Baked are the archives' sizes in bytes.
	Base, Baked int64
}

// nobody is the uid that bakes: it is not root's work.
const nobody = 65534

// bake measures what it takes to bake an archive beside what it takes to copy it.
func (s *studio) bake(ctx context.Context, archive string) (b baking, err error) {
	s.say("baking an archive of %d MiB", bakedSize>>20)
	dir := filepath.Join(s.dir, "bake")
	base := filepath.Join(dir, "base.tar")
	if err := s.enlarge(ctx, archive, base, dir); err != nil {
		return b, fmt.Errorf("making a large archive: %w", err)
	}
	out := filepath.Join(dir, "out")
	if err := errors.Join(os.Mkdir(out, 0o755), os.Chown(out, nobody, nobody)); err != nil {
		return b, err
	}
	copied, baked := filepath.Join(out, "copy.tar"), filepath.Join(out, "baked.tar")
	b.Table, err = inTurns(ctx, "bake", bounds{s.Bakes, 3 * time.Minute, 2 * time.Minute}, []measure{
		makes(byBake, baked, s.program("perch-ci"), "bake", "--base", base, "-o", baked),
		makes(byCopy, copied, "sh", "-c", `cp "$1" "$2" && sha256sum "$2"`, "sh", base, copied),
	})
	if err != nil {
		return b, err
	}
	b.Base, err = sizeOf(base)
	if err == nil {
		b.Baked, err = sizeOf(baked)
	}
	return b, errors.Join(err, os.RemoveAll(dir))
}

// makes is a way of making a file that is not there, as nobody.
func makes(way, file string, argv ...string) measure {
	return measure{way, func(ctx context.Context) (sample, error) {
		if err := os.Remove(file); err != nil && !errors.Is(err, os.ErrNotExist) {
			return sample{}, err
		}
		// What was written before is no business of this one.
		syscall.Sync()
		cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: nobody, Gid: nobody}}
		cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=/", "LANG=C.UTF-8"}
		var said bytes.Buffer
		cmd.Stdout, cmd.Stderr = &said, &said
		began := time.Now()
		if err := cmd.Run(); err != nil {
			return sample{}, fmt.Errorf("%q: %w\n%s", argv, err, &said)
		}
		return sample{time.Since(began).Seconds(), clientBusy(cmd)}, nil
	}}
}

func sizeOf(file string) (int64, error) {
	info, err := os.Stat(file)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// enlarge makes the archive to of another one, without the entrypoint, and a layer
// with a file that cannot be compressed.
func (s *studio) enlarge(ctx context.Context, archive, to, dir string) error {
	from, made := filepath.Join(dir, "from"), filepath.Join(dir, "made")
	if err := os.MkdirAll(from, 0o755); err != nil {
		return err
	}
	if err := runIn(dir, exec.CommandContext(ctx, "tar", "-x", "-f", archive, "-C", from)); err != nil {
		return err
	}
	image, err := withoutEntrypoint(from)
	if err != nil {
		return err
	}
	size, err := sizeOf(archive)
	if err != nil {
		return err
	}
	layer, err := tarball.LayerFromOpener(func() (io.ReadCloser, error) { return noise(bakedSize - size), nil },
		tarball.WithCompressionLevel(gzip.NoCompression), tarball.WithMediaType(types.OCILayer))
	if err != nil {
		return err
	}
	if image, err = mutate.AppendLayers(image, layer); err != nil {
		return err
	}
	at, err := layout.Write(made, empty.Index)
	if err != nil {
		return err
	}
	if err := at.AppendImage(image); err != nil {
		return err
	}
	return errors.Join(
		runIn(made, exec.CommandContext(ctx, "tar", "-c", "-f", to, "oci-layout", "index.json", "blobs")),
		os.RemoveAll(from), os.RemoveAll(made))
}

// withoutEntrypoint is the image of a layout that has one, without its last layer.
func withoutEntrypoint(dir string) (v1.Image, error) {
	index, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return nil, err
	}
	manifest, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	whole, err := index.Image(manifest.Manifests[0].Digest)
	if err != nil {
		return nil, err
	}
	layers, err := whole.Layers()
	if err != nil {
		return nil, err
	}
	bare, err := mutate.ConfigFile(empty.Image, &v1.ConfigFile{OS: "linux", Architecture: runtime.GOARCH})
	if err != nil {
		return nil, err
	}
	bare = mutate.ConfigMediaType(mutate.MediaType(bare, types.OCIManifestSchema1), types.OCIConfigJSON)
	return mutate.AppendLayers(bare, layers[:len(layers)-1]...)
}

// noise is a tar file of a file of so many bytes, the same each time.
func noise(size int64) io.ReadCloser {
	r, w := io.Pipe()
	go func() {
		out := tar.NewWriter(w)
		err := out.WriteHeader(&tar.Header{Name: "opt/noise", Mode: 0o644, Size: size})
		if err == nil {
			_, err = io.Copy(out, io.LimitReader(rand.NewChaCha8([32]byte{}), size))
		}
		w.CloseWithError(errors.Join(err, out.Close()))
	}()
	return r
}
