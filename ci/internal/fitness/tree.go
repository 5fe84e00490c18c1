// Package fitness looks into an image, without unpacking or running anything of
// it, and says whether sessions and an IDE's server can work in it.
package fitness

import (
	"archive/tar"
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"maps"
	"path"
	"runtime"
	"strings"
	"sync"

	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// file is what is known of a path in an image.
type file struct {
	kind byte // tar's type flag
	mode int64
	link string
	// content is kept of the few files that are read.
	content []byte
}

// tree is an image's file system, by path without the first slash.
type tree map[string]file

// most is how much of a file is kept, in bytes; C libraries have about two
// million.
const most = 8 << 20

// mostText is that of a text.
const mostText = 64 << 10

// mostFiles is how many files of a layer are kept. More are no real system.
const mostFiles = 8

// wanted says whether a file's content is looked at, and how much of it at most.
func wanted(name string) int64 {
	base := path.Base(name)
	switch {
	case base == "os-release" && (path.Dir(name) == "etc" || path.Dir(name) == "usr/lib"):
		return mostText
	case inLibraryDir(name) && (strings.HasPrefix(base, "libc.so.6") || strings.HasPrefix(base, "libc-2.")):
		return most
	}
	return 0
}

// read reads what an image consists of: all layers at once, as far as there are
// processors, and then one over the other (image-spec, layer.md).
func read(image v1.Image) (tree, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	changes := make([][]change, len(layers))
	failed := make([]error, len(layers))
	var all sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, l := range layers {
		all.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			changes[i], failed[i] = readLayer(l)
		})
	}
	all.Wait()
	if err := errors.Join(failed...); err != nil {
		return nil, err
	}
	t := tree{}
	for _, c := range changes {
		t.apply(c)
	}
	return t, nil
}

// change is one entry of a layer.
type change struct {
	name string
	file
}

func readLayer(l v1.Layer) ([]change, error) {
	compressed, err := l.Compressed()
	if err != nil {
		return nil, err
	}
	defer compressed.Close()
	plain, err := decompress(compressed)
	if err != nil {
		return nil, err
	}
	defer plain.Close()
	var changes []change
	kept := 0
	entries := tar.NewReader(plain)
	for {
		h, err := entries.Next()
		if errors.Is(err, io.EOF) {
			return changes, nil
		} else if err != nil {
			return nil, broken(l, err)
		}
		c := change{strings.TrimPrefix(path.Clean("/"+h.Name), "/"), file{kind: h.Typeflag, mode: h.Mode, link: h.Linkname}}
		if limit := wanted(c.name); limit > 0 && h.Typeflag == tar.TypeReg && kept < mostFiles {
			kept++
			if c.content, err = io.ReadAll(io.LimitReader(entries, limit)); err != nil {
				return nil, broken(l, err)
			}
		}
		changes = append(changes, c)
	}
}

func broken(l v1.Layer, err error) error {
	digest, _ := l.Digest()
	return fmt.Errorf("the layer %s is broken: %w", digest, err)
}

// decompress tells a layer's compression by its first bytes, as all that read
// images do. klauspost's gzip takes about half of the standard library's time.
func decompress(r io.Reader) (io.ReadCloser, error) {
	start := bufio.NewReaderSize(r, 1<<20)
	magic, err := start.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(magic, []byte{0x1f, 0x8b}):
		return gzip.NewReader(start)
	case bytes.HasPrefix(magic, []byte{0x28, 0xb5, 0x2f, 0xfd}):
		d, err := zstd.NewReader(start)
		if err != nil {
			return nil, err
		}
		return d.IOReadCloser(), nil
	}
	return io.NopCloser(start), nil
}

const whiteout = ".wh."

// apply lays a layer over the tree.
func (t tree) apply(layer []change) {
	gone, emptied := map[string]bool{}, map[string]bool{}
	for _, c := range layer {
		dir, base := path.Split(t.real(c.name))
		switch {
		case base == whiteout+whiteout+".opq":
			emptied[path.Clean(dir)] = true
		case strings.HasPrefix(base, whiteout):
			gone[dir+strings.TrimPrefix(base, whiteout)] = true
		}
	}
	if len(gone)+len(emptied) > 0 {
		maps.DeleteFunc(t, func(name string, _ file) bool { return isBelow(name, gone, emptied) })
	}
	for _, c := range layer {
		if strings.HasPrefix(path.Base(c.name), whiteout) {
			continue
		}
		if c.kind == tar.TypeLink {
			c.file = t[t.real(strings.TrimPrefix(path.Clean("/"+c.link), "/"))]
		}
		t[t.real(c.name)] = c.file
	}
}

// real is the path of a layer's entry where directories on the way are links,
// as /bin is in most images.
func (t tree) real(name string) string {
	dir, base := path.Split(name)
	if dir == "" {
		return name
	}
	at, _ := t.walk(dir)
	return path.Join(at, base)
}

// isBelow says whether a path or a directory above it is gone, or a directory above
// it was emptied.
func isBelow(name string, gone, emptied map[string]bool) bool {
	for name != "." {
		if gone[name] {
			return true
		}
		if name = path.Dir(name); emptied[name] {
			return true
		}
	}
	return false
}

// follow returns what is at a path, through links.
func (t tree) follow(name string) (file, bool) {
	at, ok := t.walk(name)
	f, found := t[at]
	return f, ok && found
}

// walk follows the links on the way to a path, and at its end. What the tree
// does not have on the way is taken for directories: layers need not list them.
// It is not ok where links go in a circle.
func (t tree) walk(name string) (at string, ok bool) {
	const deepest = 40 // as Linux: path_resolution(7)
	rest := components(name)
	for links := 0; len(rest) > 0; {
		next := path.Join(at, rest[0])
		rest = rest[1:]
		f := t[next]
		if f.kind != tar.TypeSymlink {
			at = next
			continue
		}
		if links++; links > deepest {
			return next, false
		}
		target := f.link
		if !path.IsAbs(target) {
			target = path.Join("/", at, target)
		}
		rest = append(components(target), rest...)
		at = ""
	}
	return at, true
}

func components(name string) []string {
	if name = strings.Trim(path.Clean("/"+name), "/"); name == "" {
		return nil
	}
	return strings.Split(name, "/")
}
