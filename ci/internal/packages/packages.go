// Package packages knows what an image is made of: the list of packages that
// images/shared/install.sh writes into each, how two lists differ, and the list
// as an SPDX document.
package packages

import (
	"archive/tar"
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// File is where an image has its list.
const File = "usr/local/share/perch/packages.tsv"

// Package is an installed package, in the words of the image's package manager.
// Source and Licence may be "".
type Package struct {
	Name, Version, Arch, Source, Licence string
}

// ErrForm says that a list is not one of packages.
var ErrForm = errors.New("of the list of packages is not name, version, architecture, source and licence")

// Parse reads a list: a line for each package, with fields between tabs in the
// order of Package.
func Parse(r io.Reader) ([]Package, error) {
	var list []Package
	lines := bufio.NewScanner(r)
	for n := 1; lines.Scan(); n++ {
		fields := strings.Split(lines.Text(), "\t")
		if len(fields) != 5 || fields[0] == "" || fields[1] == "" {
			return nil, fmt.Errorf("line %d %w: %q", n, ErrForm, lines.Text())
		}
		list = append(list, Package{fields[0], fields[1], fields[2], fields[3], fields[4]})
	}
	return list, lines.Err()
}

// ErrNone says that an image has no list.
var ErrNone = errors.New("the image has no list of packages; perch-ci build makes one")

// Of reads the list of an image, as it is: Parse takes it.
func Of(image v1.Image) ([]byte, error) {
	list, err := readFile(image, File)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, ErrNone
	}
	return list, err
}

// System returns the ID that an image's os-release says, or "".
func System(image v1.Image) (string, error) {
	for _, name := range []string{"usr/lib/os-release", "etc/os-release"} {
		content, err := readFile(image, name)
		if errors.Is(err, fs.ErrNotExist) {
			continue
		} else if err != nil {
			return "", err
		}
		for line := range strings.Lines(string(content)) {
			if id, ok := strings.CutPrefix(line, "ID="); ok {
				return strings.Trim(strings.TrimSpace(id), `"'`), nil
			}
		}
	}
	return "", nil
}

// readFile reads a file that some layer has; the last one counts.
func readFile(image v1.Image, name string) ([]byte, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	for _, l := range slices.Backward(layers) {
		content, err := fromLayer(l, name)
		if !errors.Is(err, fs.ErrNotExist) {
			return content, err
		}
	}
	return nil, fs.ErrNotExist
}

func fromLayer(l v1.Layer, name string) ([]byte, error) {
	const most = 8 << 20 // bytes: some hundred thousand packages
	content, err := l.Uncompressed()
	if err != nil {
		return nil, err
	}
	defer content.Close()
	files := tar.NewReader(content)
	for {
		h, err := files.Next()
		if errors.Is(err, io.EOF) {
			return nil, fs.ErrNotExist
		} else if err != nil {
			return nil, fmt.Errorf("reading a layer: %w", err)
		}
		if strings.TrimPrefix(h.Name, "./") == name && h.Typeflag == tar.TypeReg {
			return io.ReadAll(io.LimitReader(files, most))
		}
	}
}

// Change is a package that two lists do not have alike; Old or New is "" where
// one has none.
type Change struct {
	Name, Old, New string
}

// String is the change for people.
func (c Change) String() string {
	switch {
	case c.Old == "":
		return fmt.Sprintf("+ %s %s", c.Name, c.New)
	case c.New == "":
		return fmt.Sprintf("- %s %s", c.Name, c.Old)
	}
	return fmt.Sprintf("~ %s %s -> %s", c.Name, c.Old, c.New)
}

// Diff returns what differs, by name. A package of which there are several
// versions, as kernels are, counts as one with all of them.
func Diff(old, updated []Package) []Change {
	before, after := versions(old), versions(updated)
	var changes []Change
	for name, v := range before {
		if after[name] != v {
			changes = append(changes, Change{name, v, after[name]})
		}
	}
	for name, v := range after {
		if before[name] == "" {
			changes = append(changes, Change{name, "", v})
		}
	}
	slices.SortFunc(changes, func(a, b Change) int { return strings.Compare(a.Name, b.Name) })
	return changes
}

func versions(list []Package) map[string]string {
	all := map[string][]string{}
	for _, p := range list {
		all[p.Name] = append(all[p.Name], p.Version)
	}
	joined := map[string]string{}
	for name, v := range all {
		slices.Sort(v)
		joined[name] = strings.Join(slices.Compact(v), ", ")
	}
	return joined
}
