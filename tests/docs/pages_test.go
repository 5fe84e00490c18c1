// Package docs holds the documentation to what it speaks of: links, paths,
// commands, settings, messages.
package docs

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// root is the repository, as seen from here.
const root = "../.."

// page is a Markdown file.
type page struct {
	// path is relative to root.
	path string
	text string
}

// pages returns all Markdown files of the repository.
func pages(t *testing.T) []page {
	t.Helper()
	out, err := exec.Command("git", "-C", root, "ls-files", "-co", "--exclude-standard", "*.md").Output()
	if err != nil {
		t.Fatalf("listing the Markdown files: %v", err)
	}
	var all []page
	for _, path := range strings.Fields(string(out)) {
		all = append(all, read(t, path))
	}
	if len(all) < 8 {
		t.Fatalf("there are only %d Markdown files", len(all))
	}
	return all
}

func read(t *testing.T, path string) page {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return page{path, string(text)}
}

var (
	span  = regexp.MustCompile("`([^`]+)`")
	fence = regexp.MustCompile("^\\s*```")
	list  = regexp.MustCompile(`^\s*(\d+\.|[-*]) `)
)

// code returns, for each line of the page that has any, its code: spans, or all
// of a line that stands in a block.
func (p page) code() []string {
	var lines []string
	fenced, listed := false, false
	for line := range strings.Lines(p.text) {
		line = strings.TrimRight(line, "\n")
		switch indented := strings.HasPrefix(line, "    "); {
		case fence.MatchString(line):
			fenced = !fenced
		case fenced, indented && !listed, strings.HasPrefix(line, "       "):
			lines = append(lines, strings.TrimSpace(line))
		default:
			var words []string
			for _, m := range span.FindAllStringSubmatch(line, -1) {
				words = append(words, m[1])
			}
			if words != nil {
				lines = append(lines, strings.Join(words, "\x00"))
			}
		}
		if line != "" && !strings.HasPrefix(line, " ") || list.MatchString(line) {
			listed = list.MatchString(line)
		}
	}
	return lines
}

// cells returns the cells of all rows of the page's tables below a heading.
func (p page) cells(t *testing.T, heading string) [][]string {
	t.Helper()
	_, rest, found := strings.Cut(p.text, "\n"+heading+"\n")
	if !found {
		t.Fatalf("%s has no heading %q", p.path, heading)
	}
	level := heading[:strings.Index(heading, " ")+1]
	rest, _, _ = strings.Cut(rest, "\n"+level)
	var rows [][]string
	for line := range strings.Lines(rest) {
		if row := cells(line); row != nil {
			rows = append(rows, row)
		}
	}
	if len(rows) == 0 {
		t.Fatalf("%s has no table below %q", p.path, heading)
	}
	return rows
}

// cells splits a row of a table; other lines have none.
func cells(line string) []string {
	line = strings.TrimSpace(line)
	if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "|---") {
		return nil
	}
	row := strings.Split(strings.Trim(line, "|"), "|")
	for i := range row {
		row[i] = strings.TrimSpace(row[i])
	}
	return row
}
