package jobad

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestParse(t *testing.T) {
	for _, test := range []struct {
		name, text string
		want       Ad
	}{
		{"empty", "", Ad{}},
		{"literals", "A = 1\nb=\"x = y\"\nC =  true \n", Ad{"a": "1", "b": `"x = y"`, "c": "true"}},
		{"names have no case, the last counts", "Perch = 1\nPERCH = 2", Ad{"perch": "2"}},
		{"expressions stay text", "R = (A == 1) && (B =?= undefined)", Ad{"r": "(A == 1) && (B =?= undefined)"}},
		{"what is no attribute", "*** x\n1a = 2\n= 3\nx\nD == 4\nE =\n", Ad{}},
		{"windows line ends", "A = 1\r\nB = 2\r\n", Ad{"a": "1", "b": "2"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			got, err := Parse(strings.NewReader(test.text))
			if diff := cmp.Diff(test.want, got); diff != "" || err != nil {
				t.Errorf("error %v, difference (-want +got):\n%s", err, diff)
			}
		})
	}
}

func TestLongLine(t *testing.T) {
	got, err := Parse(strings.NewReader("A = 1\nB = " + strings.Repeat("x", maxLine) + "\nC = 1\n"))
	if err == nil || got["a"] != "1" {
		t.Errorf("got %d attributes and %v, want the first and an error", len(got), err)
	}
}

func TestInt(t *testing.T) {
	ad := Ad{"n": "1800", "neg": "-1", "expr": "30 * 60", "real": "1.5", "undef": "undefined", "huge": "99999999999999999999"}
	for _, test := range []struct {
		name       string
		value      int64
		set, valid bool
	}{
		{"N", 1800, true, true}, {"Neg", -1, true, true}, {"Expr", 0, true, false}, {"Real", 0, true, false},
		{"Undef", 0, false, false}, {"Missing", 0, false, false}, {"Huge", 1<<63 - 1, true, false},
	} {
		value, set, valid := ad.Int(test.name)
		if value != test.value && valid || set != test.set || valid != test.valid {
			t.Errorf("Int(%q): got %d, %v, %v", test.name, value, set, valid)
		}
	}
}

// What was read, printed, reads the same.
func FuzzParse(f *testing.F) {
	f.Add("MyType = \"Job\"\nPerchIdleTimeout = 1800\nRequirements = (a == b) && true\n")
	f.Add("A = 1\r\nB == 2\n C=\t3 \nD = \"\\\"\"\n\x00 = \xff\n")
	f.Fuzz(func(t *testing.T, text string) {
		ad, err := Parse(strings.NewReader(text))
		if err != nil {
			return
		}
		var printed strings.Builder
		for name, value := range ad {
			fmt.Fprintf(&printed, "%s = %s\n", name, value)
		}
		again, err := Parse(strings.NewReader(printed.String()))
		if diff := cmp.Diff(ad, again); diff != "" || err != nil {
			t.Errorf("error %v, difference (-first +second):\n%s", err, diff)
		}
	})
}

func TestBoolAndText(t *testing.T) {
	ad := Ad{"yes": "True", "no": "false", "none": "undefined", "odd": "1 > 0", "text": `"a \"b\" \\c"`, "open": `"`}
	for name, want := range map[string][3]bool{"Yes": {true, true, true}, "no": {false, true, true}, "none": {}, "absent": {}, "odd": {false, true, false}} {
		if value, set, valid := ad.Bool(name); [3]bool{value, set, valid} != want {
			t.Errorf("%s: got %v %v %v, want %v", name, value, set, valid, want)
		}
	}
	for name, want := range map[string]string{"text": `a "b" \c`, "yes": "", "open": "", "absent": ""} {
		if got := ad.Text(name); got != want {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}
