package clients

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var page = filepath.Join("..", "..", "docs", "clients.md")

const intro = `# Clients

Written by the tests (` + "`go test ./tests/clients -update`" + `), which run all of this in one job of the local engine, with Debian's packages and without any question asked. A tick is a check that passed.

On the user's side ` + "`job.jdl`" + ` lies in the current directory. Clients that split a name at its first colon take the target in brackets: ` + "`'[JDL:job.jdl]:path'`" + `. scp and rsync refuse a slash in there, so call them in the directory of the submit description. ` + "`ssh_config`" + ` is the section "Every other client" of the [README](../README.md), with the host ` + "`job`" + `; a laptop has its section "From a laptop", with the host ` + "`job.perch`" + `.

In the lines, ` + "`LOCAL`" + ` and ` + "`REMOTE`" + ` are the paths on the two sides, ` + "`CMD`" + ` is the command; ` + "`KEY`" + ` is the job's key, ` + "`ALIAS`" + ` the first word that ` + "`perch hostkey`" + ` prints, ` + "`TESTDATA`" + ` is [tests/clients/testdata](../tests/clients/testdata).

The job needs a shell. What else it needs for a client stands in the last column; sftp is the entrypoint's own.

`

// text is the page: all of it comes from the tables and from what passed.
func (m *matrix) text() string {
	var b strings.Builder
	b.WriteString(intro)
	b.WriteString("| client | way |")
	for _, f := range features {
		fmt.Fprintf(&b, " %s |", f.name)
	}
	b.WriteString(" packages | in the job |\n" + strings.Repeat("|---", len(features)+4) + "|\n")
	for _, c := range all() {
		fmt.Fprintf(&b, "| %s | `%s` |", c.name, c.way)
		for _, f := range features {
			fmt.Fprintf(&b, " %s |", m.mark(c, f))
		}
		fmt.Fprintf(&b, " %s | %s |\n", c.packages, c.job)
	}
	b.WriteString("\n## What each column tries\n\n")
	for _, f := range features {
		fmt.Fprintf(&b, "- **%s**: %s.\n", f.name, f.text)
	}
	m.reasons(&b)
	b.WriteString("- mosh cannot work at all: it needs UDP to the job. It says `" + moshSays + "`.\n")
	for _, c := range all() {
		c.lined(&b)
	}
	return b.String()
}

func (m *matrix) mark(c client, f feature) string {
	if _, no := c.cannot[f.name]; no {
		return "–"
	}
	if m.passed[c.String()+": "+f.name] {
		return "✓"
	}
	return "fails"
}

func (m *matrix) reasons(b *strings.Builder) {
	b.WriteString("\n## What is not there, and why\n\n")
	said := map[string]bool{}
	for _, c := range all() {
		for _, f := range features {
			reason, no := c.cannot[f.name]
			line := fmt.Sprintf("- %s, %s: %s.\n", c.name, f.name, reason)
			if no && !said[line] {
				b.WriteString(line)
			}
			said[line] = true
		}
	}
}

func (c client) lined(b *strings.Builder) {
	fmt.Fprintf(b, "\n## %s\n\n```sh\n", c)
	for _, what := range []task{prepare, command, put, get, putTree, getTree} {
		if line, ok := c.lines[what]; ok {
			fmt.Fprintf(b, "# %s\n%s\n", what, line)
		}
	}
	b.WriteString("```\n")
}

// whole says whether every cell was tried: with -run, some are not.
func (m *matrix) whole() bool {
	return !slices.ContainsFunc(all(), func(c client) bool {
		return slices.ContainsFunc(features, func(f feature) bool { return m.mark(c, f) == "fails" })
	})
}

// compare holds the page to what came out, or writes it. What failed has been
// told of already, and what -run left out is no reason to change the page.
func (m *matrix) compare(t *testing.T) {
	t.Helper()
	if !m.whole() {
		t.Log("not every cell has passed: the page is left as it is")
		return
	}
	if *update {
		if err := os.WriteFile(page, []byte(m.text()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := os.ReadFile(page); err != nil || string(got) != m.text() {
		t.Errorf("docs/clients.md is not what came out (%v); run go test ./tests/clients -update", err)
	}
}
