package docs

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestFuzzing: the page has each fuzz target that there is, and each has a corpus.
func TestFuzzing(t *testing.T) {
	const root = "../.."
	there, listed := map[string]bool{}, map[string]bool{}
	target := regexp.MustCompile(`(?m)^func (Fuzz\w*)\(f \*testing\.F\)`)
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, "_test.go") {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		dir, err := filepath.Rel(root, filepath.Dir(path))
		for _, m := range target.FindAllStringSubmatch(string(text), -1) {
			there[dir+" "+m[1]] = true
			if corpus, _ := os.ReadDir(filepath.Join(filepath.Dir(path), "testdata", "fuzz", m[1])); len(corpus) == 0 {
				t.Errorf("%s in %s keeps no corpus", m[1], dir)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	page := read(t, "docs/fuzzing.md").text
	for _, m := range regexp.MustCompile("(?m)^\\| `(.+?)` \\| (Fuzz\\w+) \\| [0-9,]+ \\|$").FindAllStringSubmatch(page, -1) {
		listed[m[1]+" "+m[2]] = true
	}
	if diff := cmp.Diff(there, listed); diff != "" || len(there) == 0 {
		t.Errorf("docs/fuzzing.md (-there +listed):\n%s", diff)
	}
}
