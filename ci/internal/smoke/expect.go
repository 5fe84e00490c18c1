package smoke

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// File is what an environment's folder, and the shared one, call their
// expectations.
const File = "smoke.yaml"

// Expectation is what an image is expected to be like.
type Expectation struct {
	// Glibc is the version of the GNU C library, or "none". "" is any.
	Glibc string `yaml:"glibc"`
	// Size is what the unpacked image may have at most, in MB; 0 is any.
	Size int64 `yaml:"size"`
	// Tools are commands that show that a tool is there and runs.
	Tools map[string]string `yaml:"tools"`
	// Lacks are tools of all others that an environment does not have.
	Lacks []struct {
		Tools  []string `yaml:"tools"`
		Reason string   `yaml:"reason"`
	} `yaml:"lacks"`
	// Limits are checks that are known not to pass, with the reasons.
	Limits map[string]string `yaml:"limits"`
}

// none is what Glibc is for an image without a C library.
const none = "none"

// Expect reads what is expected of every image in the folder images, and of the
// environment name, unless that is "". known are the checks that there are.
func Expect(images, name string, known []string) (Expectation, error) {
	shared := filepath.Join(images, "shared", File)
	if _, err := os.Stat(shared); err != nil {
		return Expectation{}, fmt.Errorf("looking for what every image has: %w; name the folder of the environments with --images", err)
	}
	all, err := readExpectation(shared)
	if err != nil || name == "" {
		return all, err
	}
	own, err := readExpectation(filepath.Join(images, name, File))
	if err != nil {
		return own, err
	}
	if all.Tools == nil {
		all.Tools = map[string]string{}
	}
	for _, lack := range own.Lacks {
		for _, tool := range lack.Tools {
			if all.Tools[tool] == "" || lack.Reason == "" {
				return own, fmt.Errorf("%s lacks %q, which is no tool of all others, or has no reason", filepath.Join(images, name, File), tool)
			}
			delete(all.Tools, tool)
		}
	}
	for check, reason := range own.Limits {
		if !slices.Contains(known, check) || reason == "" {
			return own, fmt.Errorf("%s has a limit of %q, which is no check, or has no reason; checks are: %s",
				filepath.Join(images, name, File), check, strings.Join(known, ", "))
		}
	}
	maps.Copy(all.Tools, own.Tools)
	own.Tools = all.Tools
	return own, nil
}

// readExpectation reads a file; one that is missing or empty expects nothing.
func readExpectation(file string) (Expectation, error) {
	var e Expectation
	content, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return e, nil
	} else if err != nil {
		return e, err
	}
	defer content.Close()
	d := yaml.NewDecoder(content)
	d.KnownFields(true)
	if err := d.Decode(&e); err != nil && !errors.Is(err, io.EOF) {
		return e, fmt.Errorf("reading %s: %w", file, err)
	}
	return e, nil
}
