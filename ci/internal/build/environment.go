package build

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// nameForm is what an environment may be called: a folder in images/, a tag.
var nameForm = regexp.MustCompile(`^[a-z0-9][a-z0-9._-]*$`)

// shared is the folder in images/ that every build sees; no environment.
const shared = "shared"

// environment is one folder of images/.
type environment struct {
	name, dir string
	// base is the image that the Containerfile starts from by default.
	base string
	// suite is the Debian suite of which mmdebstrap can make a base, or "".
	suite string
}

// find reads the environment name in the folder images.
func find(images, name string) (environment, error) {
	e := environment{name: name, dir: filepath.Join(images, name)}
	known, err := list(images)
	if err != nil {
		return e, err
	}
	file, err := os.Open(filepath.Join(e.dir, "Containerfile"))
	if !nameForm.MatchString(name) || name == shared || errors.Is(err, fs.ErrNotExist) {
		return e, fmt.Errorf("there is no environment %q in %s; there is: %s", name, images, strings.Join(known, ", "))
	} else if err != nil {
		return e, err
	}
	defer file.Close()
	if e.base, err = defaultBase(file); err != nil {
		return e, fmt.Errorf("reading %s: %w", file.Name(), err)
	}
	suite, err := os.ReadFile(filepath.Join(e.dir, "mmdebstrap-suite"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return e, err
	}
	e.suite = strings.TrimSpace(string(suite))
	return e, nil
}

// list returns the names of the environments in images.
func list(images string) ([]string, error) {
	files, err := filepath.Glob(filepath.Join(images, "*", "Containerfile"))
	if err != nil {
		return nil, err
	}
	if len(files) == 0 {
		return nil, fmt.Errorf("there are no environments in %s; name the folder with --images", images)
	}
	var names []string
	for _, f := range files {
		if name := filepath.Base(filepath.Dir(f)); name != shared {
			names = append(names, name)
		}
	}
	return names, nil
}

// defaultBase returns the value that a Containerfile gives to its argument BASE.
func defaultBase(containerfile io.Reader) (string, error) {
	lines := bufio.NewScanner(containerfile)
	for lines.Scan() {
		fields := strings.Fields(lines.Text())
		if len(fields) != 2 || !strings.EqualFold(fields[0], "ARG") {
			continue
		}
		if value, ok := strings.CutPrefix(fields[1], "BASE="); ok {
			if value = strings.Trim(value, `"'`); value != "" {
				return value, nil
			}
		}
	}
	if err := lines.Err(); err != nil {
		return "", err
	}
	return "", errors.New(`there is no line "ARG BASE=…", by which a base can be given`)
}
