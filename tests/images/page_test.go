package images

import (
	_ "embed"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perch/tests/browser"
	"perch/tests/session"
)

// hostile is what an image may say of itself, and a page must not do.
const hostile = `<img src="http://127.0.0.1:9/seen" onerror="document.title='seen'"><script>document.title='seen'</script>`

// TestPage: in a browser, the page of images that hold, hold not, and are known
// not to, can be read and sorted, and fetches nothing.
func TestPage(t *testing.T) {
	t.Parallel()
	sound, reports := build(t, own, []string{"minimal"})[0], t.TempDir()
	i := debian(t)
	root := overlay(t, i.tree)
	breaks["tools"](t, root)
	breaks["permissions"](t, root)
	write("usr/lib/os-release", "PRETTY_NAME=\""+hostile+"\"\n")(t, root)
	var files []string
	var want []tried
	for _, one := range []struct{ environment, tree string }{{sound.name, sound.tree}, {i.name, root}} {
		file := filepath.Join(reports, one.environment+".json")
		cmd := exec.Command(session.Program("perch-ci"), "smoke", "--images", own, "--environment", one.environment, "--json", file, one.tree)
		out, _ := cmd.CombinedOutput() // what it says of the broken one stands in the report
		t.Logf("\n%s", out)
		files, want = append(files, file), append(want, readReport(t, file)...)
	}
	page := filepath.Join(reports, "page.html")
	join(t, page, files...)
	w := browser.Start(t, "")
	w.Look(1280, 800, "light")
	w.Visit("file://" + page)
	m := look(t, w)
	m.holds(t, want)
	m.sorts(t, want)
	m.keepsToItself(t)
	m.canBeRead(t)
}

// matrix is the page in a window, and its names as it has come.
type matrix struct {
	*browser.Window
	Columns, Rows []string
	// Cells are the texts, by row and column.
	Cells [][]string
}

//go:embed testdata/matrix.js
var readMatrix string

func look(t *testing.T, w *browser.Window) matrix {
	t.Helper()
	m := matrix{Window: w}
	w.Evaluate(readMatrix, &m)
	return m
}

// holds: every image and every check is a heading, and every result is where they
// meet.
func (m matrix) holds(t *testing.T, want []tried) {
	t.Helper()
	columns, words := []string{"check"}, map[string]bool{}
	for _, w := range want {
		columns = append(columns, w.Image)
	}
	if diff := cmp.Diff(columns, m.Columns); diff != "" {
		t.Fatalf("the columns are others:\n%s", diff)
	}
	for c, w := range want {
		for _, r := range w.Results {
			words[r.Status] = true
			row := slices.Index(m.Rows, r.Check)
			if row < 0 {
				t.Fatalf("there is no row %q in %q", r.Check, m.Rows)
			}
			// A browser shows blanks as HTML has them.
			cell, detail := m.Cells[row][c], strings.Join(strings.Fields(r.Detail), " ")
			if !strings.HasPrefix(cell, r.Status) || !strings.HasSuffix(strings.Join(strings.Fields(cell), " "), detail) {
				t.Errorf("%s, %s: the page says %q, want %s and %q", w.Image, r.Check, cell, r.Status, r.Detail)
			}
		}
	}
	for _, status := range []string{"ok", "limit", "FAIL", "skip"} {
		if !words[status] {
			t.Errorf("no check came out as %s: the page is not tried with it", status)
		}
	}
}

// sorts: a heading sorts by what is below it, by mouse and by keyboard.
func (m matrix) sorts(t *testing.T, want []tried) {
	t.Helper()
	worst := []string{"FAIL", "limit", "skip", "ok"}
	rank := func(check string) int {
		for _, r := range want[1].Results {
			if r.Check == check {
				return slices.Index(worst, r.Status)
			}
		}
		return len(worst)
	}
	up, down := slices.Clone(m.Rows), slices.Clone(m.Rows)
	slices.SortStableFunc(up, func(a, b string) int { return rank(a) - rank(b) })
	slices.SortStableFunc(down, func(a, b string) int { return rank(b) - rank(a) })
	if rank(up[0]) != 0 || rank(up[1]) != 0 {
		t.Fatalf("what failed is not two rows: %q", up[:2])
	}
	heading := `thead th:has-text("` + m.Columns[2] + `") button`
	for _, step := range []struct {
		order string
		rows  []string
	}{{"ascending", up}, {"descending", down}, {"", m.Rows}} {
		m.Click(heading)
		m.sorted(t, m.Columns[2], step.order, step.rows)
	}
	var focused bool
	m.Evaluate(`(document.querySelector('thead button').focus(), true)`, &focused)
	byName := slices.Sorted(slices.Values(m.Rows))
	slices.SortFunc(byName, func(a, b string) int { return strings.Compare(strings.ToLower(a), strings.ToLower(b)) })
	m.Press("Enter")
	m.sorted(t, "check", "ascending", byName)
	m.Press("Tab")
	m.Press("Tab")
	m.Press("Space")
	m.sorted(t, m.Columns[2], "ascending", up)
}

// sorted: the page says that it is sorted by this column and no other, and its
// rows are in this order.
func (m matrix) sorted(t *testing.T, column, order string, rows []string) {
	t.Helper()
	var said []string
	m.Evaluate(`[...document.querySelectorAll('[aria-sort]')].map(h => h.querySelector('button').textContent + ' ' + h.getAttribute('aria-sort'))`, &said)
	if want := strings.TrimSpace(column + " " + order); order != "" && !slices.Equal(said, []string{want}) || order == "" && len(said) > 0 {
		t.Errorf("it says that it is sorted by %q, want %s %q", said, column, order)
	}
	if diff := cmp.Diff(rows, look(t, m.Window).Rows); diff != "" {
		t.Errorf("sorted by %s, %q:\n%s", column, order, diff)
	}
}

// keepsToItself: nothing is fetched or run but what the page has, and it would
// not be if the page wanted it.
func (m matrix) keepsToItself(t *testing.T) {
	t.Helper()
	var title string
	m.Evaluate("document.title", &title)
	if asked, said := m.Asked(), m.Said(); len(asked) != 1 || len(said) > 0 || title == "seen" {
		t.Errorf("it asked for %q, said %q, and is called %q", asked, said, title)
	}
	var blocked string
	m.Evaluate(`new Promise(done => {
  document.addEventListener('securitypolicyviolation', e => done(e.effectiveDirective), { once: true });
  const image = new Image(); image.onload = image.onerror = () => setTimeout(done, 2000, 'none'); image.src = 'http://127.0.0.1:9/seen';
})`, &blocked)
	if blocked != "img-src" {
		t.Errorf("an image from elsewhere was stopped by %q, want img-src", blocked)
	}
}

// canBeRead: on a telephone and in the dark, too.
func (m matrix) canBeRead(t *testing.T) {
	t.Helper()
	for _, c := range []struct {
		name          string
		width, height int
		scheme        string
	}{{"light.png", 1280, 800, "light"}, {"dark.png", 1280, 800, "dark"}, {"narrow.png", 400, 800, "light"}, {"narrow-dark.png", 400, 800, "dark"}} {
		m.Look(c.width, c.height, c.scheme)
		var faults []string
		m.Evaluate(findFaults, &faults)
		if len(faults) > 0 {
			t.Errorf("%s: %s", c.name, strings.Join(faults, "\n"))
		}
		t.Logf("screenshot: %s", m.Screenshot(c.name))
	}
}

//go:embed testdata/faults.js
var findFaults string
