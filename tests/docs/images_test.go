package docs

import (
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perch/images"
)

// TestImagesTable: images/README.md says of each environment, and of no other,
// whether it was built, and the page of what was tried has those and no others.
func TestImagesTable(t *testing.T) {
	catalogue, err := images.Catalog(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]bool{}
	for _, e := range catalogue {
		want[e.Name] = false
	}
	page, err := os.ReadFile(filepath.Join(root, "docs", "images.html"))
	if err != nil {
		t.Fatal(err)
	}
	for _, column := range regexp.MustCompile(`<button type="button">([^<]+)</button><small>in `).FindAllStringSubmatch(string(page), -1) {
		name, _, _ := strings.Cut(column[1], ".") // .sif
		if _, ok := want[name]; ok {
			want[name] = true
		} else if name != "rpm-standin" {
			t.Errorf("docs/images.html has %q, which is no environment", name)
		}
	}
	readme, err := os.ReadFile(filepath.Join(root, "images", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(readme), "| environment | built |")
	table, _, _ = strings.Cut(table, "\n\n")
	got := map[string]bool{}
	for _, row := range regexp.MustCompile(`(?m)^\| ([^|]+?) \| (yes|no)\b`).FindAllStringSubmatch(table, -1) {
		for name := range strings.SplitSeq(row[1], ", ") {
			if _, twice := got[name]; twice {
				t.Errorf("images/README.md has %s twice", name)
			}
			got[name] = row[2] == "yes"
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(got) == 0 {
		t.Errorf("which were built (-docs/images.html +images/README.md), of %q:\n%s", slices.Sorted(maps.Keys(want)), diff)
	}
}
