package images

import (
	"cmp"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"perch/tests/browser"
	"perch/tests/session"
)

// result and tried are what perch-ci smoke --json says of an image in a place.
type (
	result struct{ Check, Status, Detail string }
	tried  struct {
		Image, Place string
		Results      []result
	}
)

// readReport reads a report of one image or more.
func readReport(t *testing.T, file string) []tried {
	t.Helper()
	content, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var all []tried
	if err := json.Unmarshal(content, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// join has perch-ci make a page of reports. That there are images that did not
// pass is no failure of it.
func join(t *testing.T, page string, reports ...string) {
	t.Helper()
	out, err := exec.Command(session.Program("perch-ci"), append([]string{"report", "--html", page}, reports...)...).CombinedOutput()
	if _, missing := os.Stat(page); missing != nil {
		t.Fatalf("perch-ci report: %v\n%s", err, out)
	}
}

// writePage makes docs/images.html of all reports in a directory, and a picture
// of it.
func writePage(t *testing.T, reports string) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(reports, "*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no image was tried: %v", err)
	}
	slices.SortFunc(files, inOrder)
	page, err := filepath.Abs("../../docs/images.html")
	if err != nil {
		t.Fatal(err)
	}
	join(t, page, files...)
	const width = 1600
	w := browser.Start(t, "")
	// The matrix is at most as high as the window, and all of it is to be seen.
	w.Look(width, 10_000, "light")
	w.Visit("file://" + page)
	var bottom float64
	w.Evaluate("document.querySelector('.matrix').getBoundingClientRect().bottom", &bottom)
	w.Look(width, int(bottom)+24, "light")
	picture, err := os.ReadFile(w.Screenshot("images.png"))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile("../../docs/images.png", picture, 0o644); err != nil {
		t.Fatal(err)
	}
}

// inOrder has an image's reports beside each other, and that of runc first: only
// there are all checks made.
func inOrder(a, b string) int {
	image, place, _ := strings.Cut(filepath.Base(a), ".")
	otherImage, otherPlace, _ := strings.Cut(filepath.Base(b), ".")
	first := func(place string) string { return strings.Replace(place, "runc", "", 1) }
	return cmp.Or(strings.Compare(image, otherImage), strings.Compare(first(place), first(otherPlace)))
}
