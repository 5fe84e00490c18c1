package conformance

import (
	_ "embed"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"perch/tests/vscode"
)

//go:embed frames.js
var frames []byte

// What goes over the wire at a session's end, data and all.
func testFrames(t *testing.T, j job) {
	node, modules := vscode.Node(t)
	driver := filepath.Join(t.TempDir(), "frames.js")
	if err := os.WriteFile(driver, frames, 0o600); err != nil {
		t.Fatal(err)
	}
	// ssh2 lets come what its buffer holds (2 MiB), and 1 MiB more, or a packet above
	// that. The rest waits in the job's pipe.
	const size = 3<<20 + 60_000
	head := "head -c " + strconv.Itoa(size) + " /dev/zero; "
	for name, test := range map[string]struct{ end, status string }{
		"exit":   {"exit 5", "exit-status"},
		"signal": {"kill -TERM $$", "exit-signal"},
	} {
		t.Run(name, func(t *testing.T) {
			cmd := j.Command(node, driver, j.socket(t), j.Identity, head+test.end)
			cmd.Env = append(cmd.Env, "NODE_PATH="+modules)
			r := run(t, cmd)
			var got struct {
				Frames []string
				Bytes  int
			}
			if err := json.Unmarshal([]byte(r.stdout), &got); err != nil {
				t.Fatalf("%v: %+v", err, r)
			}
			order := slices.Compact(got.Frames)
			if want := []string{"DATA", test.status, "DATA", "EOF", "CLOSE"}; !slices.Equal(order, want) || got.Bytes != size {
				t.Errorf("got %q and %d bytes; want %q and %d", order, got.Bytes, want, size)
			}
		})
	}
}
