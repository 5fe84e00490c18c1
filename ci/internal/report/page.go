package report

import (
	"crypto/sha256"
	_ "embed"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"slices"
	"strings"
	"time"
)

var (
	//go:embed page.html
	pageText string
	//go:embed page.css
	pageStyle string
	//go:embed page.js
	pageScript string
)

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// inline is a style or a script of the page.
type inline string

// Hash is what the page's policy allows it by: nothing else is run or fetched,
// whatever an image has written into a report.
func (i inline) Hash() string {
	sum := sha256.Sum256([]byte(i))
	return "sha256-" + base64.StdEncoding.EncodeToString(sum[:])
}

func (i inline) CSS() template.CSS { return template.CSS(i) }
func (i inline) JS() template.JS   { return template.JS(i) }

// legend are the statuses, the worst first.
var legend = []struct {
	Status Status
	Means  string
}{
	{Fail, "does not hold"},
	{Limit, "is known not to hold, with the reason"},
	{Skip, "was not tried"},
	{OK, "holds"},
}

// rank says how bad a status is: 0 is the worst. What was not made comes last.
func rank(s Status) int {
	for i, l := range legend {
		if l.Status == s {
			return i
		}
	}
	return len(legend)
}

// column is an image in a place, as the page shows it.
type column struct {
	Image, Place, At, Shown string
	Tally                   []count
}

type count struct {
	Status Status
	Count  int
}

// line is a check, with a cell for each column.
type line struct {
	Check string
	Cells []cell
}

// cell has no status where the check was not made.
type cell struct {
	Result
	Rank int
	// Took is how long it took, "" where that is nothing to speak of.
	Took string
}

// Page writes a page with the matrix of images and checks. It needs nothing
// from elsewhere.
func Page(w io.Writer, images []Image) error {
	columns := make([]column, len(images))
	for i, image := range images {
		at := image.At.UTC()
		columns[i] = column{image.Image, image.Place, at.Format(time.RFC3339), at.Format("2006-01-02 15:04 UTC"), tally(image)}
	}
	worst, verdict := judgement(images)
	return pageTemplate.Execute(w, map[string]any{
		"Style": inline(pageStyle), "Script": inline(pageScript), "Legend": legend,
		"Worst": worst, "Verdict": verdict, "Columns": columns, "Lines": lines(images),
	})
}

// tally counts an image's results by status, the worst first.
func tally(i Image) (all []count) {
	for _, l := range legend {
		n := 0
		for _, r := range i.Results {
			if r.Status == l.Status {
				n++
			}
		}
		if n > 0 {
			all = append(all, count{l.Status, n})
		}
	}
	return all
}

// judgement sums everything up.
func judgement(images []Image) (Status, string) {
	var failed []string
	for _, i := range images {
		if !i.Passed() {
			failed = append(failed, i.Image+" in "+i.Place)
		}
	}
	if len(failed) > 0 {
		return Fail, fmt.Sprintf("%d of %d fail: %s", len(failed), len(images), strings.Join(failed, ", "))
	}
	return OK, fmt.Sprintf("All %d pass", len(images))
}

// lines are the checks, in the order in which they were made.
func lines(images []Image) []line {
	var checks []string
	found := make([]map[string]Result, len(images))
	for i, image := range images {
		found[i] = map[string]Result{}
		for _, r := range image.Results {
			found[i][r.Check] = r
			if !slices.Contains(checks, r.Check) {
				checks = append(checks, r.Check)
			}
		}
	}
	all := make([]line, len(checks))
	for n, check := range checks {
		all[n].Check = check
		for i := range images {
			r := found[i][check]
			shown := cell{Result: r, Rank: rank(r.Status)}
			if r.Seconds >= 0.1 {
				shown.Took = fmt.Sprintf("%.1f s", r.Seconds)
			}
			all[n].Cells = append(all[n].Cells, shown)
		}
	}
	return all
}
