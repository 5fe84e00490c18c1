package docs

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

const troubleshooting = "docs/troubleshooting.md"

// foreign are words of HTCondor's and of ssh's that the page quotes.
var foreign = []string{
	"no match found", "concurrency limit … reached", // LastRejMatchReason
	"Rejecting request, because ENABLE_SSH_TO_JOB=false",                                               // condor_ssh_to_job 25.14
	"Permission denied (publickey)", "Host key verification failed.", "Could not resolve hostname jdl", // ssh
}

// TestMessages wants each message on the page to be one that the programs can
// say: its parts, between the marks for what varies, stand in the code.
func TestMessages(t *testing.T) {
	said := strings.Join(append(literals(t), foreign...), "\n")
	seen := 0
	for line := range strings.Lines(read(t, troubleshooting).text) {
		row := cells(line)
		if row == nil {
			continue
		}
		for _, m := range span.FindAllStringSubmatch(row[0], -1) {
			seen++
			if !canSay(said, m[1]) {
				t.Errorf("nothing says %q", m[1])
			}
		}
	}
	if seen < 60 {
		t.Errorf("only %d messages were looked at", seen)
	}
}

// canSay looks for a message as a whole, and else for the parts of which it is
// composed: errors are wrapped.
func canSay(said, message string) bool {
	if strings.Contains(said, message) {
		return true
	}
	rest := message
	for rest != "" {
		n := longest(said, rest)
		if n < 0 {
			return false
		}
		rest = strings.TrimLeft(rest[n:], " …:;")
	}
	return true
}

// longest is how many bytes of message some text has that ends where a part may
// end; -1 where none has.
func longest(said, message string) int {
	for end := len(message); end > 0; {
		if part := strings.Trim(message[:end], " …:;"); part != "" && strings.Contains(said, part) {
			return end
		}
		end = strings.LastIndexAny(message[:end-1], ":…") + 1
		if end <= 1 {
			return -1
		}
	}
	return -1
}

// verb is a place for what varies in a format string.
var verb = regexp.MustCompile(`%[-+#0-9.]*[a-zA-Z]`)

// literals are the string literals of the programs, with … for what varies.
func literals(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, dir := range []string{"entrypoint", "shim"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
				return err
			}
			rel, err := filepath.Rel(root, path)
			if err != nil {
				return err
			}
			ast.Inspect(parse(t, rel), func(n ast.Node) bool {
				if literal, ok := n.(*ast.BasicLit); ok && literal.Kind == token.STRING {
					text, err := strconv.Unquote(literal.Value)
					if err != nil {
						t.Error(err)
					}
					all = append(all, verb.ReplaceAllString(text, "…"))
				}
				return true
			})
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return all
}
