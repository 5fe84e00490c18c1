package clients

import (
	"crypto/rand"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// feature is a column of the matrix.
type feature struct {
	name, text string
	check      func(*testing.T, *cell)
}

var features = []feature{
	{"status", "a command that ends with 5 gives 5, neither 0 nor 255", status},
	{"streams", "stdout and stderr of a command come back apart", streams},
	{"8 MiB", "8 MiB of random bytes there and back, the same by SHA-256", bulk},
	{"names", "file names with a blank, and in UTF-8, there and back", names},
	{"empty", "a file of 0 bytes there and back", empty},
	{"attributes", "mode and time of change are kept, there and back", attributes},
	{"many files", "a tree of 1,000 small files there and back (rsync: 10,000)", many},
	{"two", "a second transfer, whole, while a first is under way (git: a clone that its `packObjectsHook` holds)", two},
	{"cut", "the connection ends in mid-transfer: the client says so by its exit status (lftp comes in again by itself and goes on); the job and its other sessions go on, and the client comes in again", cut},
}

// cell is a client at one feature: with folders of its own on both sides.
type cell struct {
	*row
	// local is below the user's home, remote below the job's; both are relative.
	local, remote string
}

func (r *row) cell(t *testing.T, f feature) *cell {
	t.Helper()
	c := &cell{r, filepath.Join("local", r.name, dashed(f.name)), filepath.Join("remote", r.name, dashed(f.name))}
	for _, dir := range []string{c.here("back"), c.there("")} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			t.Fatal(err)
		}
	}
	return c
}

// here and there are paths as the test sees them, on both sides.
func (c *cell) here(name string) string  { return filepath.Join(c.User, c.local, name) }
func (c *cell) there(name string) string { return filepath.Join(c.Home, c.remote, name) }

// vars are a line's: the paths of one file or tree as the user writes them.
func (c *cell) vars(local, remote string) []string {
	l, r := filepath.Join(c.local, local), filepath.Join(c.remote, remote)
	return []string{"LOCAL=" + l, "REMOTE=" + r, "LOCAL_DIR=" + filepath.Dir(l), "REMOTE_DIR=" + filepath.Dir(r),
		"NAME=" + filepath.Base(r), "MNT=" + filepath.Join(c.local, "mnt-"+rand.Text()), "CLONE=" + filepath.Join(c.local, "clone-"+rand.Text())}
}

func (c *cell) do(t *testing.T, what task, local, remote string) {
	t.Helper()
	c.succeed(t, c.lines[what], c.vars(local, remote)...)
}

func status(t *testing.T, c *cell) {
	if e := c.run(t, c.lines[command], "CMD=exit 5"); e.code != 5 {
		t.Errorf("the exit status is %d; stderr: %s", e.code, e.stderr)
	}
}

func streams(t *testing.T, c *cell) {
	e := c.succeed(t, c.lines[command], "CMD=echo to stdout; echo to stderr >&2")
	if e.stdout != "to stdout\n" || e.stderr != "to stderr\n" {
		t.Errorf("stdout is %q, stderr %q", e.stdout, e.stderr)
	}
}

func bulk(t *testing.T, c *cell) {
	content := make([]byte, 8<<20)
	rand.Read(content)
	c.roundTrip(t, "8MiB", content)
}

func names(t *testing.T, c *cell) {
	for _, name := range []string{"with a blank", "grün 文件"} {
		c.roundTrip(t, name, []byte(name))
	}
}

func empty(t *testing.T, c *cell) { c.roundTrip(t, "empty", nil) }

// roundTrip takes a file there and back.
func (c *cell) roundTrip(t *testing.T, name string, content []byte) {
	t.Helper()
	if err := os.WriteFile(c.here(name), content, 0o644); err != nil {
		t.Fatal(err)
	}
	c.do(t, put, name, name)
	same(t, "there", c.there(name), content)
	c.do(t, get, filepath.Join("back", name), name)
	same(t, "back", c.here(filepath.Join("back", name)), content)
}

// attributes are looked at in a tree of one file: some clients keep them there
// alone.
func attributes(t *testing.T, c *cell) {
	const mode = 0o750
	long := time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)
	if err := os.Mkdir(c.here("tree"), 0o755); err != nil {
		t.Fatal(err)
	}
	name := filepath.Join("tree", "file")
	if err := os.WriteFile(c.here(name), []byte("x"), mode); err != nil {
		t.Fatal(err)
	}
	if err := os.Chtimes(c.here(name), long, long); err != nil {
		t.Fatal(err)
	}
	c.do(t, putTree, "tree", "tree")
	kept(t, "there", c.there(name), mode, long)
	c.do(t, getTree, "back/tree", "tree")
	kept(t, "back", c.here(filepath.Join("back", name)), mode, long)
}

func many(t *testing.T, c *cell) {
	number := 1000
	if c.client.name == "rsync" {
		number = 10_000
	}
	sown := sow(t, c.here("tree"), number)
	c.do(t, putTree, "tree", "tree")
	sameTree(t, "there", c.there("tree"), sown)
	c.do(t, getTree, "back/tree", "tree")
	sameTree(t, "back", c.here("back/tree"), sown)
}
