// Package environment reads the folders of images/: which environments there
// are, and what each starts from.
package environment

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// nameForm is what an environment may be called: a folder in images/, a tag.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// Shared is the folder in images/ that every build sees; no environment.
const Shared = "shared"

// Environment is one folder of images/.
type Environment struct {
	Name, Dir string
	// Base is the image that the Containerfile starts from by default.
	Base string
	// Title is what people call it, or Name.
	Title string
	// Suite is the Debian suite of which mmdebstrap can make a base, or "".
	Suite string
}

// Find reads the environment name in the folder images.
func Find(images, name string) (Environment, error) {
	e := Environment{Name: name, Title: name, Dir: filepath.Join(images, name)}
	known, err := List(images)
	if err != nil {
		return e, err
	}
	if !nameForm.MatchString(name) && slices.Contains(known, name) {
		return e, fmt.Errorf("the folder %q in %s cannot be an environment: names are of a-z, 0-9, \".\", \"_\" and \"-\", and begin with one of the first two; rename it", name, images)
	}
	file, err := os.Open(filepath.Join(e.Dir, "Containerfile"))
	if !nameForm.MatchString(name) || name == Shared || errors.Is(err, fs.ErrNotExist) {
		return e, fmt.Errorf("there is no environment %q in %s; there is: %s", name, images, strings.Join(known, ", "))
	} else if err != nil {
		return e, err
	}
	defer file.Close()
	if err := e.read(file); err != nil {
		return e, fmt.Errorf("reading %s: %w", file.Name(), err)
	}
	e.Suite = debianSuite(e.Base)
	return e, nil
}

// List returns the names of the environments in images.
func List(images string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(images, "*", "Containerfile"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no environments in %s; name the folder with --images", images)
	}
	var names []string
	for _, f := range files {
		if name := filepath.Base(filepath.Dir(f)); name != Shared {
			names = append(names, name)
		}
	}
	return names, nil
}

// read reads what a Containerfile says: the value that it gives to its argument
// BASE, and the title that it puts on the image.
func (e *Environment) read(containerfile io.Reader) error {
	lines := bufio.NewScanner(containerfile)
	for lines.Scan() {
		instruction, rest, _ := strings.Cut(strings.TrimSpace(lines.Text()), " ")
		name, value, _ := strings.Cut(strings.TrimSpace(rest), "=")
		value = strings.Trim(strings.TrimSpace(value), `"'`)
		switch {
		case strings.EqualFold(instruction, "ARG") && name == "BASE" && e.Base == "" && !strings.ContainsAny(value, " \t"):
			e.Base = value
		case strings.EqualFold(instruction, "LABEL") && name == titleLabel:
			e.Title = value
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	if e.Base == "" {
		return errors.New(`there is no line "ARG BASE=…", by which a base can be given`)
	}
	return nil
}

// titleLabel is an image's title (image-spec, annotations.md).
const titleLabel = "org.opencontainers.image.title"

// suiteForm is what Debian's suites are called: no version, no slim image of one,
// and no digest.
var suiteForm = regexp.MustCompile(`^[a-z]+$`)

// debianSuite is the Debian suite that an image's name says, as the names of
// Debian's own images do (…/debian:bookworm), or "".
func debianSuite(image string) string {
	repository, tag, _ := strings.Cut(path.Base(image), ":")
	if repository != "debian" || tag == "latest" || !suiteForm.MatchString(tag) {
		return ""
	}
	return tag
}
