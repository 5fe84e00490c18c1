package packages

import (
	"bytes"
	"errors"
	"strings"
	"testing"

	"perch/ci/internal/imagetest"
)

const list = "bash\t5.2-1\tamd64\tbash\t\ngit\t1:2.39\tamd64\tgit\tGPLv2\n"

func TestParse(t *testing.T) {
	got, err := Parse(strings.NewReader(list))
	if err != nil || len(got) != 2 || got[1] != (Package{"git", "1:2.39", "amd64", "git", "GPLv2"}) {
		t.Errorf("got %v, %v", got, err)
	}
	for _, bad := range []string{"bash\n", "bash\t5.2\n", "\t5.2\tamd64\tbash\t\n", "a\tb\tc\td\te\tf\n", strings.Repeat("x", 1<<20)} {
		if _, err := Parse(strings.NewReader(bad)); err == nil {
			t.Errorf("%.20q is taken", bad)
		}
	}
}

func TestOf(t *testing.T) {
	image := imagetest.New(t, imagetest.Layer{File: "an earlier one"}, imagetest.Layer{File: list}, imagetest.Layer{"other": ""})
	if got, err := Of(image); err != nil || string(got) != list {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := Of(imagetest.New(t, imagetest.Layer{"other": ""})); !errors.Is(err, ErrNone) {
		t.Errorf("without one: %v", err)
	}
}

func TestDiff(t *testing.T) {
	parse := func(s string) []Package {
		l, err := Parse(strings.NewReader(s))
		if err != nil {
			t.Fatal(err)
		}
		return l
	}
	old := parse(list + "gone\t1\tall\t\t\nkernel\t1\tall\t\t\nkernel\t2\tall\t\t\n")
	updated := parse("bash\t5.2-2\tamd64\tbash\t\ngit\t1:2.39\tamd64\tgit\t\nadded\t3\tall\t\t\nkernel\t2\tall\t\t\n")
	var got strings.Builder
	for _, c := range Diff(old, updated) {
		got.WriteString(c.String() + "\n")
	}
	if want := "+ added 3\n~ bash 5.2-1 -> 5.2-2\n- gone 1\n~ kernel 1, 2 -> 2\n"; got.String() != want {
		t.Errorf("got\n%s, want\n%s", &got, want)
	}
	if c := Diff(old, old); len(c) != 0 {
		t.Errorf("a list and itself: %v", c)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(list))
	f.Fuzz(func(t *testing.T, text []byte) {
		got, err := Parse(bytes.NewReader(text))
		for _, p := range got {
			if err == nil && (p.Name == "" || p.Version == "") {
				t.Errorf("%q", p)
			}
		}
	})
}
