package report

import (
	"encoding/xml"
	"fmt"
	"io"
	"time"
)

// The part of JUnit's format that GitLab, GitHub's actions and Jenkins read:
// https://github.com/testmoapp/junitxml.
type (
	junitSuites struct {
		XMLName xml.Name     `xml:"testsuites"`
		Suites  []junitSuite `xml:"testsuite"`
	}
	junitSuite struct {
		Name      string      `xml:"name,attr"`
		Tests     int         `xml:"tests,attr"`
		Failures  int         `xml:"failures,attr"`
		Skipped   int         `xml:"skipped,attr"`
		Time      string      `xml:"time,attr"`
		Timestamp string      `xml:"timestamp,attr"`
		Cases     []junitCase `xml:"testcase"`
	}
	junitCase struct {
		Name    string        `xml:"name,attr"`
		Class   string        `xml:"classname,attr"`
		Time    string        `xml:"time,attr"`
		Failure *junitMessage `xml:"failure,omitempty"`
		Skipped *junitMessage `xml:"skipped,omitempty"`
	}
	junitMessage struct {
		Message string `xml:"message,attr"`
	}
)

// JUnit writes a test suite for each image. A known limit counts as skipped,
// with its reason.
func JUnit(w io.Writer, images []Image) error {
	var all junitSuites
	for _, i := range images {
		all.Suites = append(all.Suites, i.suite())
	}
	if _, err := io.WriteString(w, xml.Header); err != nil {
		return err
	}
	e := xml.NewEncoder(w)
	e.Indent("", "  ")
	if err := e.Encode(all); err != nil {
		return err
	}
	_, err := io.WriteString(w, "\n")
	return err
}

func (i Image) suite() junitSuite {
	s := junitSuite{Name: i.Image + " in " + i.Place, Tests: len(i.Results), Timestamp: i.At.UTC().Format(time.RFC3339)}
	var sum float64
	for _, r := range i.Results {
		c := junitCase{Name: r.Check, Class: i.Place + "." + i.Image, Time: seconds(r.Seconds)}
		switch r.Status {
		case Fail:
			s.Failures++
			c.Failure = &junitMessage{r.Detail}
		case Limit, Skip:
			s.Skipped++
			c.Skipped = &junitMessage{r.Detail}
		}
		sum += r.Seconds
		s.Cases = append(s.Cases, c)
	}
	s.Time = seconds(sum)
	return s
}

func seconds(s float64) string { return fmt.Sprintf("%.3f", s) }
