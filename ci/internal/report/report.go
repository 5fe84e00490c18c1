// Package report holds what was found when images were tried, and shows it: as
// a table for people at a terminal, as JUnit's XML for pipelines, as JSON, and
// as one HTML page.
package report

import (
	"encoding/json"
	"fmt"
	"io"
	"text/tabwriter"
	"time"
)

// Status is how a check came out.
type Status string

const (
	// OK: it is as promised.
	OK Status = "ok"
	// Limit: it is not, as everybody knows, and the environment's smoke.yaml
	// says why.
	Limit Status = "limit"
	// Fail: it is not.
	Fail Status = "FAIL"
	// Skip: it was not tried, for want of something that the caller has not
	// given.
	Skip Status = "skip"
)

// Result is one row.
type Result struct {
	Check  string `json:"check"`
	Status Status `json:"status"`
	// Detail is what was found, or what is wrong, in one line.
	Detail string `json:"detail,omitempty"`
	// Seconds is how long it took.
	Seconds float64 `json:"seconds"`
}

// Image is what was found in one image, in one place.
type Image struct {
	// Image is the name or path that was given, Environment the one whose
	// promises were tried, or "".
	Image       string    `json:"image"`
	Environment string    `json:"environment,omitempty"`
	Place       string    `json:"place"`
	At          time.Time `json:"at"`
	Results     []Result  `json:"results"`
}

// Passed says whether nothing is wrong.
func (i Image) Passed() bool {
	for _, r := range i.Results {
		if r.Status == Fail {
			return false
		}
	}
	return len(i.Results) > 0
}

// Table writes one row for each result.
func (i Image) Table(w io.Writer) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, r := range i.Results {
		fmt.Fprintf(table, "%s\t%s\t%s\n", r.Status, r.Check, r.Detail)
	}
	return table.Flush()
}

// JSON writes images as an array.
func JSON(w io.Writer, images []Image) error {
	e := json.NewEncoder(w)
	e.SetIndent("", "  ")
	return e.Encode(images)
}

// Read reads what JSON wrote.
func Read(r io.Reader) ([]Image, error) {
	var images []Image
	d := json.NewDecoder(r)
	d.DisallowUnknownFields()
	if err := d.Decode(&images); err != nil {
		return nil, err
	}
	return images, nil
}
