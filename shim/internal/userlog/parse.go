package userlog

import (
	"regexp"
	"strconv"
	"strings"
	"time"
)

var (
	// 012 (4711.000.000) 2026-11-24 13:07:26 Job was held.
	headerLine = regexp.MustCompile(`^(\d{3}) \((\d{1,10})\.(\d{1,10})\.\d{1,10}\) ([\d/-]+)[ T](\S+)(?: (.*))?$`)
	// The dates by DEFAULT_USERLOG_FORMAT_OPTIONS: ISO_DATE, LEGACY; older
	// versions of HTCondor wrote the second with a year.
	dateLayouts = []string{"2006-01-02", "01/02", "01/02/06", "01/02/2006"}

	codeText    = regexp.MustCompile(`\bCode (-?\d{1,9}) Subcode (-?\d{1,9})\b`)
	returnText  = regexp.MustCompile(`\(return value (-?\d{1,9})\)`)
	signalText  = regexp.MustCompile(`\(signal (\d{1,3})\)`)
	usageText   = regexp.MustCompile(`^Usr (\d{1,5}) (\d\d):(\d\d):(\d\d), Sys (\d{1,5}) (\d\d):(\d\d):(\d\d)\s+-\s+Run Remote Usage`)
	scratchText = regexp.MustCompile(`^CondorScratchDir = "(.*)"$`)
)

// parse reads one record, which comes without its separator. What stands
// before the last line that looks like a header is the rest of a record that
// its writer did not finish.
func parse(record string) (Event, bool) {
	var (
		e  Event
		ok bool
	)
	for line := range strings.Lines(record) {
		line = strings.TrimRight(line, "\r\n")
		if begun, isHeader := parseHeader(line); isHeader {
			e, ok = begun, true
		} else if ok {
			e.Lines = append(e.Lines, strings.TrimSpace(line))
		}
	}
	if ok {
		e.detail()
	}
	return e, ok
}

func parseHeader(line string) (Event, bool) {
	m := headerLine.FindStringSubmatch(line)
	if m == nil {
		return Event{}, false
	}
	when, ok := parseTime(m[4], m[5], time.Now())
	e := Event{Number: Number(number(m[1])), Time: when, Text: m[6]}
	e.Job = strconv.Itoa(number(m[2])) + "." + strconv.Itoa(number(m[3]))
	return e, ok
}

// parseTime reads the two words of a record's time. A date without a year is
// of the last twelve months before now.
func parseTime(date, clock string, now time.Time) (time.Time, bool) {
	zone := time.Local
	if utc, ok := strings.CutSuffix(clock, "Z"); ok {
		clock, zone = utc, time.UTC
	}
	for _, layout := range dateLayouts {
		t, err := time.ParseInLocation(layout+" 15:04:05", date+" "+clock, zone)
		if err != nil {
			continue
		}
		if layout == "01/02" {
			t = lately(t, now)
		}
		return t.Local(), true
	}
	return time.Time{}, false
}

// lately gives a time of the year 0 the year in which it was last. A day in the
// future is not yet the past year's: clocks differ.
func lately(t, now time.Time) time.Time {
	t = t.AddDate(now.Year(), 0, 0)
	if t.After(now.AddDate(0, 0, 1)) {
		t = t.AddDate(-1, 0, 0)
	}
	return t
}

// detail fills the fields that depend on the kind of event.
func (e *Event) detail() {
	switch e.Number {
	case Submit:
		e.Host = after(e.Text, "Job submitted from host: ")
	case Execute:
		e.Host = after(e.Text, "Job executing on host: ")
		e.Slot = e.find("SlotName: ")
		for _, line := range e.Lines {
			if m := scratchText.FindStringSubmatch(line); m != nil {
				e.Scratch = unquote(m[1])
			}
		}
	case Evicted:
		e.Reason = e.find("Reason: ")
		e.codes(e.Text)
		e.usage()
	case Terminated:
		all := strings.Join(e.Lines, "\n")
		e.ReturnValue, e.Signal = submatch(returnText, all), submatch(signalText, all)
		e.usage()
	case RemoteError:
		e.Host = strings.TrimSuffix(after(e.Text, " on "), ":")
		e.reasonAndCode()
	case Held, Aborted, Released, ShadowException:
		e.reasonAndCode()
	case Disconnected, ReconnectFailed:
		e.Reason = e.line(0)
	}
}

// reasonAndCode reads what stands under a Held and its like: the reason, and
// under it, where there is one, its code. The text of a starter may have
// several lines.
func (e *Event) reasonAndCode() {
	lines := e.Lines
	if n := len(lines); n > 0 && codeText.FindString(lines[n-1]) == lines[n-1] {
		e.codes(lines[n-1])
		lines = lines[:n-1]
	}
	if e.Number != RemoteError && len(lines) > 1 {
		lines = lines[:1]
	}
	e.Reason = strings.Join(lines, " ")
}

func (e *Event) codes(s string) {
	if m := codeText.FindStringSubmatch(s); m != nil {
		e.Code, e.Subcode = number(m[1]), number(m[2])
	}
}

func (e *Event) usage() {
	for _, line := range e.Lines {
		if m := usageText.FindStringSubmatch(line); m != nil {
			e.UserTime, e.SystemTime = span(m[1:5]), span(m[5:9])
			return
		}
	}
}

// span reads days, hours, minutes and seconds.
func span(words []string) time.Duration {
	hours := 24*number(words[0]) + number(words[1])
	return time.Duration(hours)*time.Hour + time.Duration(number(words[2]))*time.Minute + time.Duration(number(words[3]))*time.Second
}

// find returns what follows prefix in the first line that begins with it.
func (e *Event) find(prefix string) string {
	for _, line := range e.Lines {
		if rest, ok := strings.CutPrefix(line, prefix); ok {
			return rest
		}
	}
	return ""
}

func (e *Event) line(i int) string {
	if i < len(e.Lines) {
		return e.Lines[i]
	}
	return ""
}

func after(s, mark string) string {
	_, rest, _ := strings.Cut(s, mark)
	return rest
}

func submatch(re *regexp.Regexp, s string) int {
	if m := re.FindStringSubmatch(s); m != nil {
		return number(m[1])
	}
	return 0
}

// number converts digits that a pattern has let through.
func number(s string) int {
	n, err := strconv.Atoi(s)
	if err != nil {
		return 0
	}
	return n
}
