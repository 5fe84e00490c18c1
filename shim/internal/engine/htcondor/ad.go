package htcondor

import (
	"bufio"
	"bytes"
	"fmt"
	"strings"
)

// maxLine bounds a line of a job ad, which carries whole environments.
const maxLine = 1 << 20

// ad is a job ad as condor_submit -dry-run prints it: Name=expression, one a
// line. Names are in lower case, as ClassAd names have no case.
type ad map[string]string

// parseDryRun reads the ads that condor_submit -dry-run printed: the first one
// and how many there are.
func parseDryRun(data []byte) (first ad, count int, err error) {
	first = ad{}
	scan := bufio.NewScanner(bytes.NewReader(data))
	scan.Buffer(nil, maxLine)
	for scan.Scan() {
		name, value, ok := strings.Cut(scan.Text(), "=")
		if name = strings.ToLower(strings.TrimSpace(name)); !ok || name == "" {
			continue
		}
		if name == "procid" {
			count++
		}
		if _, there := first[name]; !there {
			first[name] = strings.TrimSpace(value)
		}
	}
	if err := scan.Err(); err != nil {
		return nil, 0, fmt.Errorf("reading what condor_submit made of the submit description: %w", err)
	}
	return first, count, nil
}

// has says whether the ad has an attribute that is not undefined.
func (a ad) has(name string) bool {
	value, ok := a[strings.ToLower(name)]
	return ok && !strings.EqualFold(value, "undefined")
}

// text is an attribute's value if it is a string literal, else "". Old ClassAd
// syntax: a backslash is one, except before a quote.
func (a ad) text(name string) string {
	value := a[strings.ToLower(name)]
	if len(value) < 2 || value[0] != '"' || value[len(value)-1] != '"' {
		return ""
	}
	return strings.ReplaceAll(value[1:len(value)-1], `\"`, `"`)
}

// isFalse says whether an attribute is the literal false.
func (a ad) isFalse(name string) bool {
	return strings.EqualFold(a[strings.ToLower(name)], "false")
}

// list splits a string attribute at commas.
func (a ad) list(name string) []string {
	var items []string
	for item := range strings.SplitSeq(a.text(name), ",") {
		if item = strings.TrimSpace(item); item != "" {
			items = append(items, item)
		}
	}
	return items
}
