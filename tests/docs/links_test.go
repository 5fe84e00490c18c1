package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var link = regexp.MustCompile(`\]\(([^)\s]+)\)`)

func TestLinks(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		for _, m := range link.FindAllStringSubmatch(p.text, -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			seen++
			p.follow(t, m[1])
		}
	}
	if seen < 30 {
		t.Errorf("only %d links were looked at", seen)
	}
}

// follow looks for the file, and the heading in it, that a link leads to.
func (p page) follow(t *testing.T, link string) {
	t.Helper()
	file, anchor, _ := strings.Cut(link, "#")
	to := p.path
	if file != "" {
		to = filepath.Join(filepath.Dir(p.path), file)
	}
	if strings.HasPrefix(to, "..") {
		t.Errorf("%s: the link %s leads out of the repository", p.path, link)
		return
	}
	if _, err := os.Stat(filepath.Join(root, to)); err != nil {
		t.Errorf("%s: the link %s leads to nothing", p.path, link)
		return
	}
	if anchor != "" && !read(t, to).hasAnchor(anchor) {
		t.Errorf("%s: %s has no heading for #%s", p.path, to, anchor)
	}
}

var notInAnchor = regexp.MustCompile(`[^a-z0-9 _-]`)

// hasAnchor says whether a heading of the page has this anchor, as GitHub makes
// them of headings.
func (p page) hasAnchor(anchor string) bool {
	for line := range strings.Lines(p.text) {
		title, isHeading := strings.CutPrefix(strings.TrimLeft(line, "#"), " ")
		if !isHeading || !strings.HasPrefix(line, "#") {
			continue
		}
		title = notInAnchor.ReplaceAllString(strings.ToLower(strings.TrimSpace(title)), "")
		if strings.ReplaceAll(title, " ", "-") == anchor {
			return true
		}
	}
	return false
}

// ours are paths into the repository, as far as they are no patterns.
var ours = regexp.MustCompile(`^(entrypoint|shim|images|jdl-templates|ci|tests|docs|\.ci|\.github)/[^<>*…\s]*$`)

// example is the environment that images/README.md shows how to make, and its
// template. tests/images makes it.
var example = regexp.MustCompile(`^(images/debian12-root|jdl-templates/Debian12-root)`)

func TestPaths(t *testing.T) {
	seen := 0
	for _, p := range pages(t) {
		for _, path := range p.paths() {
			seen++
			if _, err := os.Stat(filepath.Join(root, path)); err != nil && !example.MatchString(path) {
				t.Errorf("%s speaks of %s, which is not there", p.path, path)
			}
		}
	}
	if seen < 15 {
		t.Errorf("only %d paths were looked at", seen)
	}
}

// paths returns the paths into the repository that the page's code has.
func (p page) paths() []string {
	var found []string
	for _, line := range p.code() {
		for word := range strings.FieldsFuncSeq(line, func(r rune) bool { return r == 0 || r == ' ' }) {
			if ours.MatchString(word) {
				found = append(found, word)
			}
		}
	}
	return found
}

// machinePath is one of somebody's machine, of which no page should speak.
var machinePath = regexp.MustCompile(`(^|[\s"'(=])/(work|root)/`)

func TestNoMachinePaths(t *testing.T) {
	for _, p := range pages(t) {
		if m := machinePath.FindString(p.text); m != "" {
			t.Errorf("%s has a path of somebody's machine: %q", p.path, m)
		}
	}
}
