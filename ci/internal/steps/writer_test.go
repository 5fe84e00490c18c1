package steps

import (
	"io"
	"slices"
	"strings"
	"testing"
)

func TestWriter(t *testing.T) {
	var got []string
	w := &Writer{At: func(step string) { got = append(got, step) }}
	long := "RUN " + strings.Repeat("x", 100)
	for _, part := range []string{"STE", "P 1/2: FROM base\nCOM", "MIT\nSTEP 2/2: " + long, "\n", "STEP 3/3: unfinished"} {
		if n, err := io.WriteString(w, part); n != len(part) || err != nil {
			t.Fatal(n, err)
		}
	}
	if want := []string{"1/2: FROM base", "2/2: " + long[:stepLength-5] + "…"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
