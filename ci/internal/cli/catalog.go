package cli

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/google/renameio/v2"
	"github.com/spf13/cobra"

	"perch/ci/internal/environment"
	"perch/images"
	jdltemplates "perch/jdl-templates"
)

func catalogCommand() *cobra.Command {
	var folder, templates string
	var names bool
	c := &cobra.Command{
		Use:   "catalog",
		Short: "Write the catalogue of environments, and the templates of submit descriptions",
		Long: `Write catalog.json beside the environments' folders, from which perch knows them
by name, and a template of a submit description for each environment and kind of
request. Both are generated, and never changed by hand.

With --names nothing is written, and the environments' names are printed as a
line for GITHUB_OUTPUT: names=["alma9","debian11"].`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := catalogue(folder)
			if err != nil {
				return err
			}
			if names {
				return printNames(c.OutOrStdout(), all)
			}
			text, err := json.MarshalIndent(all, "", "  ")
			if err != nil {
				return err
			}
			if err := renameio.WriteFile(filepath.Join(folder, "catalog.json"), append(text, '\n'), 0o644); err != nil {
				return fmt.Errorf("writing the catalogue: %w", err)
			}
			return writeTemplates(templates, all)
		},
	}
	f := c.Flags()
	f.StringVar(&folder, "images", imagesDir(), "directory of the environments")
	f.StringVar(&templates, "templates", filepath.Join(imagesDir(), "../jdl-templates"), "directory of the templates")
	f.BoolVar(&names, "names", false, "print the names, for a matrix of GitHub's, and write nothing")
	return c
}

func printNames(w io.Writer, all []images.Environment) error {
	var names []string
	for _, e := range all {
		names = append(names, e.Name)
	}
	text, err := json.Marshal(names)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "names=%s\n", text)
	return err
}

// catalogue is what the folders say.
func catalogue(folder string) ([]images.Environment, error) {
	names, err := environment.List(folder)
	if err != nil {
		return nil, err
	}
	var all []images.Environment
	for _, name := range names {
		e, err := environment.Find(folder, name)
		if err != nil {
			return nil, err
		}
		all = append(all, images.Environment{Name: e.Name, Title: e.Title, ContainerOS: images.ContainerOS(e.Name)})
	}
	return all, nil
}

// writeTemplates writes all templates, and removes those of environments that
// there are no more.
func writeTemplates(dir string, all []images.Environment) error {
	wanted := map[string]bool{}
	for _, e := range all {
		for _, k := range jdltemplates.Kinds {
			text, err := k.Text(e)
			if err != nil {
				return err
			}
			wanted[k.File(e)] = true
			if err := renameio.WriteFile(filepath.Join(dir, k.File(e)), []byte(text), 0o644); err != nil {
				return fmt.Errorf("writing a template: %w", err)
			}
		}
	}
	there, err := filepath.Glob(filepath.Join(dir, "*_vscode*.jdl"))
	if err != nil {
		return err
	}
	for _, file := range there {
		if !wanted[filepath.Base(file)] && !strings.HasPrefix(filepath.Base(file), ".") {
			if err := os.Remove(file); err != nil {
				return err
			}
		}
	}
	return nil
}
