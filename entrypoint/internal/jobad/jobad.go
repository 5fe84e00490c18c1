// Package jobad reads the file in which HTCondor shows a job its own ad, or its
// slot's: lines "Name = value" as condor_q -long prints them. Values that are
// literals can be had; expressions are kept as their text.
package jobad

import (
	"bufio"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"
)

// Bounds on what is read: far above what HTCondor writes, so that a file that
// is no ad costs neither memory nor time.
const (
	maxBytes = 4 << 20
	maxLine  = 256 << 10
)

// Ad maps attribute names in lower case (ClassAd names have no case) to the
// text of their values.
type Ad map[string]string

var attribute = regexp.MustCompile(`^\s*([A-Za-z_][A-Za-z0-9_.]*)\s*=\s*(.*?)\s*$`)

// Parse reads an ad. Lines that are no attribute are skipped, since later
// versions of HTCondor may write more than we know; of an attribute that comes
// twice the last counts.
func Parse(r io.Reader) (Ad, error) {
	ad := Ad{}
	lines := bufio.NewScanner(io.LimitReader(r, maxBytes))
	lines.Buffer(nil, maxLine)
	for lines.Scan() {
		m := attribute.FindStringSubmatch(lines.Text())
		if m == nil || m[2] == "" || strings.HasPrefix(m[2], "=") {
			continue
		}
		ad[strings.ToLower(m[1])] = m[2]
	}
	if err := lines.Err(); errors.Is(err, bufio.ErrTooLong) {
		return ad, errors.New("a line is longer than an ad's may be; what follows was not read")
	} else if err != nil {
		return ad, err
	}
	return ad, nil
}

// Int returns the integer that the attribute name has. There is none where it
// is missing (set is false), and where it is no integer literal (set is true
// and valid false).
func (a Ad) Int(name string) (value int64, set, valid bool) {
	text, set := a[strings.ToLower(name)]
	if !set || strings.EqualFold(text, "undefined") {
		return 0, false, false
	}
	value, err := strconv.ParseInt(text, 10, 64)
	return value, true, err == nil
}

// Bool returns the truth value that the attribute name has; there is none where
// it is missing, and where it is neither true nor false.
func (a Ad) Bool(name string) (value, set, valid bool) {
	text, set := a[strings.ToLower(name)]
	if !set || strings.EqualFold(text, "undefined") {
		return false, false, false
	}
	value = strings.EqualFold(text, "true")
	return value, true, value || strings.EqualFold(text, "false")
}

// Text returns the string that the attribute name has, or "" where it is
// missing or no string literal. ClassAd escapes quotes and backslashes in it.
func (a Ad) Text(name string) string {
	text := a[strings.ToLower(name)]
	if len(text) < 2 || text[0] != '"' || text[len(text)-1] != '"' {
		return ""
	}
	return strings.NewReplacer(`\\`, `\`, `\"`, `"`).Replace(text[1 : len(text)-1])
}
