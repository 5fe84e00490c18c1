package entrylayer

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perch/entrypoint/contract"
)

// TestLabelTree: an image keeps its own labels, but for those that are Perch's.
func TestLabelTree(t *testing.T) {
	ours := strconv.Itoa(contract.Version)
	for _, c := range []struct {
		name, before string
		want         map[string]string
		err          string
	}{
		{"none", "", map[string]string{Contract: ours}, ""},
		{"null", "null", map[string]string{Contract: ours}, ""},
		{"others", `{"site": "cern", "perch.contract": "0"}`, map[string]string{"site": "cern", Contract: ours}, ""},
		{"no labels", "[]", nil, "reading the image's labels: "},
		{"a link that leads outside", "-> /etc/hostname", nil, "it is no file"},
		{"very long", `{"site": "` + strings.Repeat("x", mostLabels) + `"}`, nil, "it is no file of at most 1048576 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			tree := t.TempDir()
			file := filepath.Join(tree, labelsFile)
			if err := os.Mkdir(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			var err error
			if to, ok := strings.CutPrefix(c.before, "-> "); ok {
				err = os.Symlink(to, file)
			} else if c.before != "" {
				err = os.WriteFile(file, []byte(c.before), 0o644)
			}
			if err != nil {
				t.Fatal(err)
			}
			err = LabelTree(tree, os.Args[0])
			if (err == nil) != (c.err == "") || err != nil && !strings.Contains(err.Error(), c.err) {
				t.Fatalf("got %v, want %q", err, c.err)
			}
			if c.err != "" {
				return
			}
			text, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			var got map[string]string
			if err := json.Unmarshal(text, &got); err != nil {
				t.Fatal(err)
			}
			delete(got, Version) // where the test's own program has one
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Error(diff)
			}
		})
	}
}
