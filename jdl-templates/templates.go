// Package jdltemplates makes the submit descriptions that users start from: one
// for each environment and kind of request, all from one source.
package jdltemplates

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"text/template"

	"perch/images"
)

//go:embed vscode.jdl.tmpl
var source string

// Parsed when it is needed: most programs that know templates need none.
var parsed = sync.OnceValue(func() *template.Template { return template.Must(template.New("vscode.jdl").Parse(source)) })

// Kind is a kind of request.
type Kind struct {
	// Name is "" for what most want.
	Name string
	// About follows the environment's title.
	About        string
	CPUs, Memory string
}

// Kinds are the kinds that there are, the usual one first.
var Kinds = []Kind{
	{"", "", "2", "4 GB"},
	{"containeros", ", for sites that choose the container by an attribute of the job", "2", "4 GB"},
	{"docker", ", for the docker universe", "2", "4 GB"},
	{"gpu", " with a GPU", "4", "16 GB"},
	{"largemem", " with much memory", "4", "64 GB"},
}

// KindOf returns the kind of that name.
func KindOf(name string) (Kind, error) {
	var names []string
	for _, k := range Kinds {
		if k.Name == name {
			return k, nil
		}
		names = append(names, k.Name)
	}
	return Kind{}, fmt.Errorf("there is no kind %q of template; there is: %s", name, strings.Join(names[1:], ", "))
}

// File is what a template's file is called.
func (k Kind) File(e images.Environment) string {
	name := images.ContainerOS(e.Name) + "_vscode"
	if k.Name != "" {
		name += "_" + k.Name
	}
	return name + ".jdl"
}

// Image is the image that the kind asks for: its path or name, or the value of
// ContainerOS; "" where that is the user's to say.
func (k Kind) Image(e images.Environment) string {
	switch k.Name {
	case "containeros":
		return e.ContainerOS
	case "docker":
		return e.Registry
	}
	return e.ContainerImage()
}

// Text is the submit description of the kind for an environment.
func (k Kind) Text(e images.Environment) (string, error) {
	var text strings.Builder
	err := parsed().Execute(&text, struct {
		images.Environment
		Kind, About, CPUs, Memory, File string
	}{e, k.Name, k.About, k.CPUs, k.Memory, k.File(e)})
	return text.String(), err
}
