package pipelines

import (
	"os"
	"path/filepath"
	"testing"

	"perch/tests/session"
)

func TestMain(m *testing.M) { os.Exit(session.Main(m)) }

// root is the repository, as seen from here.
const root = "../.."

func read(t *testing.T, path string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, path))
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
