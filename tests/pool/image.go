package pool

import (
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"testing"
	"time"

	"perch/tests/cache"
)

// Format is a kind of image that Apptainer runs.
type Format string

// The formats: a directory tree with Apptainer's own files in it, and one file.
const (
	Sandbox Format = "sandbox"
	SIF     Format = "sif"
)

// Image has Apptainer make an image of a source, which is a file of this
// machine of the kind oci-archive, or a directory with an unpacked root file
// system. It returns the image's path in the pool. The same source is built
// once; name only helps to recognize the image.
func (p *Pool) Image(t testing.TB, format Format, name, source string) string {
	t.Helper()
	image, err := p.BuildImage(t.Context(), format, name, source)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

// BuildImage is Image outside of tests.
func (p *Pool) BuildImage(ctx context.Context, format Format, name, source string) (string, error) {
	key, err := fingerprint(source)
	if err != nil {
		return "", fmt.Errorf("reading the image source %s: %w", source, err)
	}
	image := artefact{family: "images/" + name, key: key, suffix: "." + string(format), keep: 2 * time.Hour}
	built, err := image.get(ctx, func(ctx context.Context, part string) error {
		return p.apptainerBuild(ctx, format, source, part)
	})
	return path.Join("/images", filepath.Base(built)), err
}

// apptainerBuild makes the image at part, a path of this machine in Images.
func (p *Pool) apptainerBuild(ctx context.Context, format Format, source, part string) error {
	dir, err := os.MkdirTemp(p.Dir(), "source-")
	if err != nil {
		return err
	}
	defer cache.Remove(dir) // if it fails, Stop says so
	in := filepath.Join(dir, "image")
	if out, err := exec.CommandContext(ctx, "cp", "-aH", source, in).CombinedOutput(); err != nil {
		return fmt.Errorf("copying the source into the pool: %w: %s", err, out)
	}
	// At its own level, mksquashfs takes a minute for a gigabyte.
	argv := []string{"env", "APPTAINER_MKSQUASHFS_ARGS=-comp gzip -Xcompression-level 1", "apptainer", "--quiet", "build"}
	if format == Sandbox {
		argv = append(argv, "--sandbox")
	}
	argv = append(argv, path.Join("/images", filepath.Base(part)), p.apptainerSource(in))
	result, err := p.Exec(ctx, "root", argv...)
	if err == nil && result.Code != 0 {
		err = fmt.Errorf("%q: exit status %d:\n%s", argv, result.Code, tail(result.Stderr, 20))
	}
	return err
}

// apptainerSource is how Apptainer names what lies at file, a path in Dir.
func (p *Pool) apptainerSource(file string) string {
	inPool := path.Join("/host", filepath.Base(filepath.Dir(file)), filepath.Base(file))
	if info, err := os.Stat(file); err == nil && info.IsDir() {
		return inPool
	}
	return "oci-archive:" + inPool
}

// fingerprint is a hash of a file's content, or of a tree's names, modes, sizes
// and times: a tree has too many files to read them all for each test.
func fingerprint(source string) (string, error) {
	sum := sha256.New()
	info, err := os.Stat(source)
	switch {
	case err != nil:
	case info.IsDir():
		err = hashTree(sum, source)
	default:
		err = hashFile(sum, source)
	}
	return fmt.Sprintf("%x", sum.Sum(nil)[:6]), err
}

func hashFile(sum io.Writer, file string) error {
	f, err := os.Open(file)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(sum, f)
	return err
}

func hashTree(sum io.Writer, dir string) error {
	root, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	return filepath.WalkDir(root, func(file string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		name, _ := filepath.Rel(root, file) // file is below root
		_, err = fmt.Fprintln(sum, name, info.Mode(), info.Size(), info.ModTime().UnixNano())
		return err
	})
}
