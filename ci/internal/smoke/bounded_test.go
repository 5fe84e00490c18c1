package smoke

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A job that does not stop talking is cut off, and costs no memory.
func TestEndlessOutput(t *testing.T) {
	for _, to := range []string{"1", "2"} {
		if _, _, err := (client{}).call(context.Background(), "sh", "", "-c", "exec yes >&"+to); !errors.Is(err, errEndless) {
			t.Errorf("to %s: %v", to, err)
		}
	}
	out, status, err := (client{}).call(context.Background(), "sh", "", "-c", "yes | head -c 1048576; exit 7")
	if len(out) != most || status != 7 || err != nil {
		t.Errorf("%d bytes, exit status %d, %v", len(out), status, err)
	}
}

func TestReadEnd(t *testing.T) {
	file := filepath.Join(t.TempDir(), "output")
	if err := os.WriteFile(file, []byte(strings.Repeat("x", 1000)+"the end"), 0o600); err != nil {
		t.Fatal(err)
	}
	for size, want := range map[int64]string{7: "the end", 3: "end", 5000: strings.Repeat("x", 1000) + "the end"} {
		if got, err := readEnd(file, size); string(got) != want || err != nil {
			t.Errorf("the last %d bytes are %q, %v", size, got, err)
		}
	}
}

// What an image says of itself does nothing to the terminal it is shown on.
func TestJudgeCleans(t *testing.T) {
	if r := judge("system", "Debian\x1b[2J 12\nok\ttools", nil, ""); strings.ContainsAny(r.Detail, "\x1b\n\t") {
		t.Errorf("the row says %q", r.Detail)
	}
	if r := judge("system", "", errors.New("x"+strings.Repeat("é", longest)), ""); !strings.HasSuffix(r.Detail, "é …") || len(r.Detail) > longest+5 {
		t.Errorf("the row says %q", r.Detail)
	}
}
