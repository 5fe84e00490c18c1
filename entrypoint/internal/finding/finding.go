// Package finding says what is odd about a job's place, and what came of it.
// docs/job-home.md has a row for each.
package finding

import (
	"fmt"
	"strconv"
)

// Outcome is what became of an oddity.
type Outcome string

const (
	// Mended: it is as it should be now.
	Mended Outcome = "mended"
	// Around: it is as it was, and sessions do not meet it.
	Around Outcome = "worked around"
	// Said: nothing could be done; Text tells the user what can.
	Said Outcome = "said"
)

// Finding is one oddity of a place.
type Finding struct {
	// What is its name, as docs/job-home.md has it.
	What string `json:"what"`
	// Outcome is what was done.
	Outcome Outcome `json:"outcome"`
	// Text is one line for people.
	Text string `json:"text"`
}

// List is what was found, in the order in which it was.
type List []Finding

// Add adds a finding.
func (l *List) Add(what string, outcome Outcome, format string, args ...any) {
	*l = append(*l, Finding{what, outcome, fmt.Sprintf(format, args...)})
}

// Size writes a number of bytes for people.
func Size(bytes uint64) string {
	const unit = 1024
	value := float64(bytes)
	for _, name := range []string{"B", "KiB", "MiB", "GiB"} {
		if value < unit {
			return strconv.FormatFloat(value, 'f', 0, 64) + " " + name
		}
		value /= unit
	}
	return strconv.FormatFloat(value, 'f', 1, 64) + " TiB"
}
