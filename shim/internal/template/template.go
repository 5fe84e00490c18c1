// Package template makes submit descriptions of the templates that users choose
// by name: an environment's, such as rocky9, or with a kind, such as rocky9_gpu.
package template

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"github.com/google/renameio/v2"

	"perch/images"
	jdltemplates "perch/jdl-templates"
	"perch/shim/internal/target"
)

// Template is one that may be chosen.
type Template struct {
	// Name is how users call it.
	Name        string
	Environment images.Environment
	Kind        jdltemplates.Kind
}

// All returns the templates that there are, those of the site among them.
func All() ([]Template, error) {
	environments, err := images.Catalog(images.SiteCatalogue)
	if err != nil {
		return nil, err
	}
	var all []Template
	for _, e := range environments {
		for _, k := range jdltemplates.Kinds {
			name := e.Name
			if k.Name != "" {
				name += "_" + k.Name
			}
			all = append(all, Template{name, e, k})
		}
	}
	return all, nil
}

// Find returns the template of that name. It is no error if there is none.
func Find(name string) (Template, bool, error) {
	all, err := All()
	if err != nil {
		return Template{}, false, err
	}
	i := slices.IndexFunc(all, func(t Template) bool { return t.Name == name })
	if i < 0 {
		return Template{}, false, nil
	}
	return all[i], true, nil
}

// Prepare sees that what arg names is a submit description: where it can only be
// a template's name, the template is written. arg may be anything that
// target.Resolve takes; it, and not Prepare, says what is wrong with others.
func Prepare(arg string) error {
	name := target.Word(arg)
	if name == "" {
		return nil
	}
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	t, found, err := Find(name)
	if err != nil || !found {
		return err
	}
	return t.write()
}

// Text is the template's submit description.
func (t Template) Text() (string, error) { return t.Kind.Text(t.Environment) }

// write sees that the submit description lies where target finds it. The path
// stays the same: it is what a target is known by. Changes that somebody made
// there are lost.
func (t Template) write() error {
	text, err := t.Text()
	if err != nil {
		return err
	}
	path := target.TemplatePath(t.Name)
	if there, err := os.ReadFile(path); err == nil && bytes.Equal(there, []byte(text)) {
		return nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return fmt.Errorf("making a folder for the template %s: %w", t.Name, err)
	}
	if err := renameio.WriteFile(path, []byte(text), 0o644); err != nil {
		return fmt.Errorf("writing the template %s: %w", t.Name, err)
	}
	return nil
}
