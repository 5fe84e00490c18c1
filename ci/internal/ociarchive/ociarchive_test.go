package ociarchive

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/random"
	"github.com/google/go-containerregistry/pkg/v1/validate"
)

func newImage(t *testing.T) v1.Image {
	t.Helper()
	image, err := random.Image(3000, 3)
	if err != nil {
		t.Fatal(err)
	}
	return image
}

func written(t *testing.T, image v1.Image) []byte {
	t.Helper()
	var archive bytes.Buffer
	if err := Write(&archive, image, "name"); err != nil {
		t.Fatal(err)
	}
	return archive.Bytes()
}

// opened opens the archive that content is.
func opened(t *testing.T, content []byte) (*Archive, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "image.tar")
	if err := os.WriteFile(file, content, 0o644); err != nil {
		t.Fatal(err)
	}
	a, err := Open(file)
	if err == nil {
		t.Cleanup(func() { a.Close() })
	}
	return a, err
}

func TestWriteAndRead(t *testing.T) {
	image := newImage(t)
	content := written(t, image)
	if !bytes.Equal(content, written(t, image)) {
		t.Error("the same image makes two archives")
	}
	archive, err := opened(t, content)
	if err != nil {
		t.Fatal(err)
	}
	back, err := archive.Image()
	if err != nil {
		t.Fatal(err)
	}
	if err := validate.Image(back); err != nil {
		t.Error(err)
	}
	want, _ := image.Digest()
	if got, err := back.Digest(); got != want {
		t.Errorf("the digest is %s, %v, want %s", got, err, want)
	}
}

func TestOpenOfOtherFiles(t *testing.T) {
	var other bytes.Buffer
	w := tar.NewWriter(&other)
	if err := add(w, "manifest.json", []byte("[]")); err != nil {
		t.Fatal(err)
	}
	w.Close()
	for name, content := range map[string][]byte{"empty": nil, "text": []byte("this is no image"), "other tar": other.Bytes()} {
		if _, err := opened(t, content); !errors.Is(err, ErrNone) {
			t.Errorf("%s: %v, want %v", name, err, ErrNone)
		}
	}
}

// An archive that has lost something, or in which something was changed, is
// found out when that is read.
func TestBrokenArchive(t *testing.T) {
	image := newImage(t)
	content := written(t, image)
	for _, length := range []int{len(content) / 2, len(content) * 2 / 3} {
		if err := readAll(t, content[:length]); err == nil {
			t.Errorf("%d bytes of %d can be read", length, len(content))
		}
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	for name, digest := range map[string]v1.Hash{"layer": manifest.Layers[1].Digest, "configuration": manifest.Config.Digest} {
		changed := rewrite(t, content, func(file string, content []byte) []byte {
			if file == blobName(digest) {
				content[len(content)/2] ^= 1
			}
			return content
		})
		for how, read := range map[string]func(*testing.T, []byte) error{"read": readAll, "copied": copyUnchecked} {
			if err := read(t, changed); err == nil || !strings.Contains(err.Error(), "broken: "+digest.String()) {
				t.Errorf("a changed %s, %s: %v", name, how, err)
			}
		}
		missing := rewrite(t, content, func(file string, content []byte) []byte {
			if file == blobName(digest) {
				return nil
			}
			return content
		})
		if err := readAll(t, missing); err == nil || !strings.Contains(err.Error(), "lacks "+blobName(digest)) {
			t.Errorf("a missing %s: %v", name, err)
		}
	}
}

// rewrite makes another archive, with files as change returns them; nil is none.
func rewrite(t *testing.T, archive []byte, change func(file string, content []byte) []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	r, w := tar.NewReader(bytes.NewReader(archive)), tar.NewWriter(&out)
	for {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		content, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag == tar.TypeDir {
			continue
		}
		if content = change(h.Name, content); content != nil {
			if err := add(w, h.Name, content); err != nil {
				t.Fatal(err)
			}
		}
	}
	w.Close()
	return out.Bytes()
}

// readAll reads the image of an archive to its end.
func readAll(t *testing.T, content []byte) error {
	t.Helper()
	archive, err := opened(t, content)
	if err != nil {
		return err
	}
	image, err := archive.Image()
	if err != nil {
		return err
	}
	layers, err := image.Layers()
	if err != nil {
		return err
	}
	for _, l := range layers {
		compressed, err := l.Compressed()
		if err != nil {
			return err
		}
		if _, err := io.Copy(io.Discard, compressed); err != nil {
			return err
		}
	}
	_, err = image.RawConfigFile()
	return err
}

// copyUnchecked writes the image of an archive that does not look at digests.
func copyUnchecked(t *testing.T, content []byte) error {
	t.Helper()
	archive, err := opened(t, content)
	if err != nil {
		return err
	}
	image, err := archive.Unchecked().Image()
	if err != nil {
		return err
	}
	return Write(io.Discard, image, "copy")
}

func FuzzOpen(f *testing.F) {
	image, err := random.Image(100, 1)
	if err != nil {
		f.Fatal(err)
	}
	var archive bytes.Buffer
	if err := Write(&archive, image, "name"); err != nil {
		f.Fatal(err)
	}
	f.Add(archive.Bytes())
	f.Fuzz(func(t *testing.T, content []byte) {
		archive, err := opened(t, content)
		if err != nil {
			return
		}
		if image, err := archive.Image(); err == nil {
			_ = Write(io.Discard, image, "copy")
		}
	})
}

// TestNestedIndexes: there may be no more than some, and none that contains
// itself, which only a blob with a false digest can.
func TestNestedIndexes(t *testing.T) {
	index := func(digest string) string {
		return `{"manifests":[{"mediaType":"application/vnd.oci.image.index.v1+json","digest":"` + digest + `","size":1}]}`
	}
	false0 := "sha256:" + strings.Repeat("0", 64)
	itself := map[string]string{layoutFile: layoutContent, indexFile: index(false0), "blobs/sha256/" + strings.Repeat("0", 64): index(false0)}
	deep := map[string]string{layoutFile: layoutContent}
	content := `{"manifests":[]}`
	for range MaxNested {
		digest := fmt.Sprintf("%x", sha256.Sum256([]byte(content)))
		deep["blobs/sha256/"+digest] = content
		content = index("sha256:" + digest)
	}
	deep[indexFile] = content
	for _, c := range []struct {
		files map[string]string
		want  string
	}{{itself, "the image is broken"}, {deep, ErrNested.Error()}} {
		archive, err := opened(t, archived(t, c.files))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Image(); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("got %v, want %q", err, c.want)
		}
	}
}

// archived is an archive of files.
func archived(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var content bytes.Buffer
	w := tar.NewWriter(&content)
	for name, text := range files {
		if err := w.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return content.Bytes()
}
