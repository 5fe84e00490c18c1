// Package images knows the environments that this repository has, and what a
// site makes of them: where an image lies, how the site calls it, which others
// there are. The folders beside it are what perch-ci builds.
package images

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// SiteCatalogue is where a site says what it makes of the environments.
const SiteCatalogue = "/etc/perch/catalog.yaml"

// Environment is one that users may choose by name.
type Environment struct {
	Name  string `json:"name" yaml:"-"`
	Title string `json:"title" yaml:"title"`
	// Image is what container_image is set to: a directory or SIF that the
	// workers see. "" is the user's to say.
	Image string `json:"image,omitempty" yaml:"image"`
	// Registry is the image's name in a registry, without a scheme. It is
	// docker_image, and container_image where there is no Image.
	Registry string `json:"registry,omitempty" yaml:"registry"`
	// ContainerOS is the site's word for it, where sites choose containers by
	// an attribute of the job.
	ContainerOS string `json:"container_os" yaml:"container_os"`
}

// catalog is generated from the folders (make generate).
//
//go:embed catalog.json
var catalog []byte

// Catalog returns the environments by name: those of the repository, changed and
// added to by the site's file, which need not exist. What the file says is
// checked: an error names what is wrong with it.
func Catalog(site string) ([]Environment, error) {
	var all []Environment
	if err := json.Unmarshal(catalog, &all); err != nil {
		return nil, fmt.Errorf("reading the catalogue of environments: %w", err)
	}
	own, err := readSite(site)
	if err != nil {
		return nil, err
	}
	for name, e := range own {
		i := slices.IndexFunc(all, func(a Environment) bool { return a.Name == name })
		if i < 0 {
			all = append(all, Environment{Name: name, Title: name, ContainerOS: ContainerOS(name)})
			i = len(all) - 1
		}
		all[i] = all[i].with(e)
	}
	slices.SortFunc(all, func(a, b Environment) int { return strings.Compare(a.Name, b.Name) })
	return all, nil
}

func (e Environment) with(site Environment) Environment {
	for _, field := range []struct {
		to   *string
		from string
	}{{&e.Title, site.Title}, {&e.Image, site.Image}, {&e.Registry, site.Registry}, {&e.ContainerOS, site.ContainerOS}} {
		if field.from != "" {
			*field.to = field.from
		}
	}
	return e
}

const (
	lower = "abcdefghijklmnopqrstuvwxyz0123456789"
	upper = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
)

// ContainerImage is what container_image is set to, or "" if nobody has said.
func (e Environment) ContainerImage() string {
	if e.Image == "" && e.Registry != "" {
		return "docker://" + e.Registry
	}
	return e.Image
}

// validName says whether an environment may be called so: as a folder, a tag and
// a file.
func validName(name string) bool {
	return name != "" && strings.Contains(lower, name[:1]) && only(name, lower+"._-")
}

// validValue says whether a value may stand in a submit description as one word:
// HTCondor expands macros in it, and a line end would be another command.
func validValue(value string) bool { return only(value, lower+upper+"/@:._+-") }

func only(s, allowed string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return !strings.ContainsRune(allowed, r) })
}

// readSite reads a site's file: environments by name.
func readSite(file string) (map[string]Environment, error) {
	var site struct {
		Environments map[string]Environment `yaml:"environments"`
	}
	content, err := os.Open(file)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	defer content.Close()
	d := yaml.NewDecoder(content)
	d.KnownFields(true)
	if err := d.Decode(&site); err != nil && !errors.Is(err, io.EOF) {
		return nil, fmt.Errorf("reading the site's catalogue %s: %w", file, err)
	}
	for name, e := range site.Environments {
		if !validName(name) {
			return nil, fmt.Errorf("the site's catalogue %s has an environment %q; names are of a-z, 0-9, ., _ and -", file, name)
		}
		if !validValue(e.Image+e.Registry+e.ContainerOS) || strings.ContainsAny(e.Title, "\r\n") {
			return nil, fmt.Errorf("in the site's catalogue %s, %s has characters in image, registry, container_os or title that cannot stand in a submit description", file, name)
		}
	}
	return site.Environments, nil
}

// ContainerOS is how sites call an environment by default: Rocky9.
func ContainerOS(name string) string {
	if name == "" {
		return ""
	}
	return strings.ToUpper(name[:1]) + name[1:]
}
