package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestImageSection has numbers of which each verdict is known.
func TestImageSection(t *testing.T) {
	g := &gallery{
		Images: []pictured{{Name: "one", Size: size{3e6, 9e6}, Base: size{1e6, 4e6}, Cold: Values{90},
			CachedTable: Table{"cached", []Series{{Way: "one", Took: Values{0.5, 0.7}}}},
			Starts: Table{"one", []Series{{Way: startsPerch, Took: Values{0.19}}, {Way: startsStatic, Took: Values{0.08}},
				{Way: startsBase, Took: Values{0.07}}}}}},
		Baking: baking{Base: 50e6, Baked: 53e6, Table: Table{"bake", []Series{
			{Way: byBake, Took: Values{3}, Busy: Values{4}}, {Way: byCopy, Took: Values{2}, Busy: Values{1.5}}}}},
	}
	page, err := g.section()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		"start of one: perch-entrypoint − the runtime's own | 110 ms | at most 100 ms | **short** |",
		"bake, time: perch-ci bake / cp, and sha256sum of the copy | 1.50 | at most 1.20 | **short** |",
		"bake, what is added | 3.00 MB | at most 15.00 MB | reached |",
		"| one | 3.0 | 1.0 | 9 | 4 |",
		"| one | 90 | 0.60 | 1, 2 |",
		"| one | perch-entrypoint answers | 190 | 190 | 1 |",
		"| perch-ci bake | 3.00 | 3.00 | 4.00 | 1.50 | 1 |",
		imagesWhy,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("the section lacks %q", want)
		}
	}
	if t.Failed() {
		t.Logf("%s", page)
	}
	for _, target := range (&gallery{}).targets() {
		if strings.HasSuffix(target.what, byCopy) && target.reached() {
			t.Errorf("%s: reached without a measurement", target.what)
		}
	}
}

func TestSizeOfTree(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, make([]byte, 1000), 0o600); err != nil {
		t.Fatal(err)
	}
	for name, link := range map[string]func(string, string) error{"hard": os.Link, "soft": os.Symlink} {
		if err := link(file, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if got, err := sizeOfTree(dir); got != 1000 || err != nil {
		t.Errorf("got %d, %v; want 1000 of a file with two links", got, err)
	}
}
