// Package pipelines reads the pipelines of .github/workflows and ci/gitlab. Its
// tests hold them to what they speak of, and try what they do.
package pipelines

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/rhysd/actionlint"
	"go.yaml.in/yaml/v3"
)

// Pipeline is a file of one of both kinds.
type Pipeline struct {
	// File is its path from the repository's top.
	File string
	// Commands are the lines of all scripts.
	Commands []string
	// Filters are the lists of paths whose changes start something.
	Filters [][]string
	// Actions are those of GitHub's that are used, each with its version;
	// Images what jobs run in.
	Actions, Images []string
	// Workflow is the whole, of GitHub's.
	Workflow *actionlint.Workflow
}

// Read reads all pipelines of the repository at root.
func Read(root string) ([]Pipeline, error) {
	var all []Pipeline
	for _, kind := range []struct {
		pattern string
		parse   func([]byte) (Pipeline, error)
	}{{".github/workflows/*.yml", GitHub}, {"ci/gitlab/*.yml", GitLab}} {
		files, err := filepath.Glob(filepath.Join(root, kind.pattern))
		if err != nil || len(files) == 0 {
			return nil, fmt.Errorf("there is no %s, %w", kind.pattern, err)
		}
		for _, file := range files {
			text, err := os.ReadFile(file)
			if err != nil {
				return nil, err
			}
			p, err := kind.parse(text)
			if err != nil {
				return nil, fmt.Errorf("reading %s: %w", file, err)
			}
			p.File = filepath.Join(filepath.Dir(kind.pattern), filepath.Base(file))
			all = append(all, p)
		}
	}
	return all, nil
}

// GitHub reads a workflow, by actionlint's parser.
func GitHub(text []byte) (Pipeline, error) {
	w, problems := actionlint.Parse(text)
	if len(problems) > 0 {
		return Pipeline{}, problems[0]
	}
	p := Pipeline{Workflow: w, Actions: uses(text)}
	for _, event := range w.On {
		if hook, ok := event.(*actionlint.WebhookEvent); ok {
			p.filter(hook.Paths)
			p.filter(hook.PathsIgnore)
		}
	}
	for _, job := range w.Jobs {
		if job.Container != nil {
			p.Images = append(p.Images, job.Container.Image.Value)
		}
		for _, step := range job.Steps {
			if run, ok := step.Exec.(*actionlint.ExecRun); ok {
				p.Commands = append(p.Commands, lines(run.Run.Value)...)
			}
		}
	}
	return p, nil
}

func (p *Pipeline) filter(f *actionlint.WebhookEventFilter) {
	if f.IsEmpty() {
		return
	}
	var paths []string
	for _, v := range f.Values {
		paths = append(paths, v.Value)
	}
	p.Filters = append(p.Filters, paths)
}

// used is a line that uses an action, with the comment behind it: the version,
// which no parser keeps.
var used = regexp.MustCompile(`(?m)^[ -]+uses: *(.*?) *$`)

func uses(text []byte) (all []string) {
	for _, m := range used.FindAllSubmatch(text, -1) {
		all = append(all, string(m[1]))
	}
	return all
}

// GitLab reads a template. It looks only for what stands in it; whether it is one
// is for gitlab-ci-local to say.
func GitLab(text []byte) (Pipeline, error) {
	var p Pipeline
	for d := yaml.NewDecoder(bytes.NewReader(text)); ; {
		var document yaml.Node
		if err := d.Decode(&document); errors.Is(err, io.EOF) {
			return p, nil
		} else if err != nil {
			return p, err
		}
		if err := p.walk(&document); err != nil {
			return p, err
		}
	}
}

// walk goes through the mappings of a document.
func (p *Pipeline) walk(n *yaml.Node) error {
	for i, child := range n.Content {
		if n.Kind == yaml.MappingNode && i%2 == 1 {
			if err := p.entry(n.Content[i-1].Value, child); err != nil {
				return err
			}
		}
		if err := p.walk(child); err != nil {
			return err
		}
	}
	return nil
}

func (p *Pipeline) entry(key string, value *yaml.Node) error {
	switch key {
	case "script", "before_script", "after_script":
		var script []string
		err := value.Decode(&script)
		for _, s := range script {
			p.Commands = append(p.Commands, lines(s)...)
		}
		return err
	case "changes":
		var changes struct{ Paths []string }
		err := value.Decode(&changes)
		p.Filters = append(p.Filters, changes.Paths)
		return err
	case "runner":
		var input struct{ Default string }
		err := value.Decode(&input)
		p.Images = append(p.Images, input.Default)
		return err
	}
	return nil
}

// lines are the commands of a script, without comments.
func lines(script string) []string {
	script = strings.ReplaceAll(script, "\\\n", " ")
	all := strings.Split(script, "\n")
	for i := range all {
		all[i] = strings.TrimSpace(all[i])
	}
	return slices.DeleteFunc(all, func(l string) bool { return l == "" || strings.HasPrefix(l, "#") })
}
