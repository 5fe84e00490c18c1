package report

import (
	_ "embed"
	"fmt"
	"html/template"
	"io"
	"slices"
	"time"
)

//go:embed page.html
var pageText string

var pageTemplate = template.Must(template.New("page").Parse(pageText))

// column is an image in a place, as the page shows it.
type column struct {
	Image, Place, At string
	Passed           bool
	cells            map[string]Result
}

// line is a check, with a cell for each column.
type line struct {
	Check string
	Cells []cell
}

type cell struct {
	Result
	// Word is the status, or "" where the check was not made; Took how long
	// it took.
	Word, Took string
}

// Page writes a page with the matrix of images and checks. It needs nothing
// from elsewhere.
func Page(w io.Writer, images []Image) error {
	var columns []column
	var checks []string
	for _, i := range images {
		c := column{Image: i.Image, Place: i.Place, At: i.At.UTC().Format(time.DateTime), Passed: i.Passed(), cells: map[string]Result{}}
		for _, r := range i.Results {
			c.cells[r.Check] = r
			if !slices.Contains(checks, r.Check) {
				checks = append(checks, r.Check)
			}
		}
		columns = append(columns, c)
	}
	var lines []line
	for _, check := range checks {
		l := line{Check: check}
		for _, c := range columns {
			r, made := c.cells[check]
			shown := cell{Result: r}
			if made {
				shown.Word, shown.Took = string(r.Status), fmt.Sprintf("%.1f s", r.Seconds)
			}
			l.Cells = append(l.Cells, shown)
		}
		lines = append(lines, l)
	}
	return pageTemplate.Execute(w, map[string]any{"Columns": columns, "Lines": lines})
}
