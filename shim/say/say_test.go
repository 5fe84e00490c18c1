package say

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

func TestMessages(t *testing.T) {
	var out strings.Builder
	p := ForUser(&out)
	p.Line("job %s runs", "12.0")
	p.Error(errors.New("job 12.0 is held: \x1b[2Jno\nsuch\timage\n"))
	p.Hint("condor_q -hold %s", "12.0")
	want := "perch: job 12.0 runs\n" +
		"perch: job 12.0 is held: \\x1b[2Jno such image\n" +
		"perch: hint: condor_q -hold 12.0\n"
	if out.String() != want {
		t.Errorf("wrote %q, want %q", out.String(), want)
	}
}

// TestNew writes to a file, which is no terminal.
func TestNew(t *testing.T) {
	f, err := os.Create(filepath.Join(t.TempDir(), "stderr"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	p := ForUser(f)
	p.Line("one")
	p.Progress().Done("two")
	got, err := os.ReadFile(f.Name())
	if want := "perch: one\nperch: two\n"; string(got) != want || err != nil {
		t.Errorf("wrote %q, %v; want %q", got, err, want)
	}
}

func TestClean(t *testing.T) {
	for text, want := range map[string]string{
		"":                             "",
		"plain ü 世界":                   "plain ü 世界",
		"  a\r\n\r\n b\tc\n":           "a b c",
		"\x1b]0;title\a":               `\x1b]0;title\a`,
		"\u009b2J\x7f":                 `\u009b2J\x7f`,
		"\xff\xfe":                     `\xff\xfe`,
		"txt.\u202egpj":                `txt.\u202egpj`,
		"a\u2028b\u200bc\ufeffd":       `a\u2028b\u200bc\ufeffd`,
		"it's \\n":                     `it's \n`,
		"\ufffd is a character":        "\ufffd is a character",
		"no-break\u00a0blank, nul\x00": `no-break\u00a0blank, nul\x00`,
	} {
		if got := Clean(text); got != want {
			t.Errorf("Clean(%q) = %q, want %q", text, got, want)
		}
	}
}

func FuzzClean(f *testing.F) {
	f.Add("\x1b[2J\r\n\xff\u202e")
	f.Add(" 'a' ")
	f.Fuzz(func(t *testing.T, text string) {
		got := Clean(text)
		if !utf8.ValidString(got) || strings.ContainsFunc(got, func(r rune) bool { return !unicode.IsPrint(r) }) {
			t.Errorf("Clean(%q) = %q", text, got)
		}
		if again := Clean(got); again != got {
			t.Errorf("Clean(%q) = %q, cleaned again %q", text, got, again)
		}
	})
}
