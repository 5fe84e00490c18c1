// Package submitfile reads HTCondor's submit descriptions, as far as one job on
// this machine needs them: "name = value", +Attr and My.Attr, comments,
// continued lines, macros, and one "queue".
//
// What it takes, it takes as condor_submit 25.14 was seen to take it. What
// would change which job is meant and is not known here (if, include, use,
// queue with a count or a list, macro functions) is refused with the file, the
// line and a reason, never skipped.
package submitfile

import (
	"errors"
	"fmt"
	"os"
	"regexp"
	"strconv"
	"strings"
)

// Bounds on a file that may be anything.
const (
	maxFile = 1 << 20
	maxLine = 64 << 10
)

// File is a submit description.
type File struct {
	path     string
	commands map[string]command
	order    []string
	builtins map[string]string
	getenv   func(string) (string, bool)
}

// command is a line "name = value". Names have no case; the map's key is in
// lower case.
type command struct {
	name, value string
	line        int
}

// Attribute is a line "+Name = Value" or "My.Name = Value". Value is an
// expression of the ClassAd language.
type Attribute struct {
	Name, Value string
}

// Read reads the submit description at path. Environment variables that it asks
// for by $ENV come from getenv, such as os.LookupEnv. The error is one line
// that begins with the file and the line.
func Read(path string, getenv func(string) (string, bool)) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("reading the submit description: %w", err)
	}
	if !info.Mode().IsRegular() {
		return nil, fmt.Errorf("reading the submit description: %s is not a file", path)
	}
	if info.Size() > maxFile {
		return nil, fmt.Errorf("reading the submit description: %s has more than %d bytes", path, maxFile)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("reading the submit description: %w", err)
	}
	return Parse(path, string(text), getenv)
}

// Parse reads a submit description from text; path is for error messages and
// for the macro SUBMIT_FILE.
func Parse(path, text string, getenv func(string) (string, bool)) (*File, error) {
	f := &File{path: path, commands: map[string]command{}, getenv: getenv,
		builtins: map[string]string{"dollar": "$", "submit_file": path}}
	queued := false
	for _, l := range join(text) {
		if err := f.take(l, &queued); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", path, l.number, err)
		}
	}
	if !queued {
		return nil, fmt.Errorf("%s has no line \"queue\", so no job is meant", path)
	}
	return f, nil
}

// line is a line after continuation, with the number of its first one.
type line struct {
	text   string
	number int
}

// join drops comments and empty lines, and joins a line that ends in a
// backslash with the next one. Comments are not continued, and are none inside
// of a continued line.
func join(text string) []line {
	var (
		lines []line
		open  bool
		count int
	)
	for raw := range strings.Lines(text) {
		count++
		s := strings.TrimSpace(raw)
		if !open && (s == "" || strings.HasPrefix(s, "#")) {
			continue
		}
		s, more := strings.CutSuffix(s, `\`)
		if open {
			lines[len(lines)-1].text += s
		} else {
			lines = append(lines, line{s, count})
		}
		open = more && len(lines[len(lines)-1].text) <= maxLine
	}
	return lines
}

var (
	assignment = regexp.MustCompile(`^(\+|[Mm][Yy]\.)?([A-Za-z_][A-Za-z0-9_.]*)\s*=(.*)$`)
	firstWord  = regexp.MustCompile(`^[A-Za-z_]+`)
)

// refused are words that begin a line and change the meaning of others.
var refused = map[string]string{
	"if": "", "elif": "", "else": "", "endif": "", "include": "", "use": "", "warning": "", "error": "",
}

// take reads one line.
func (f *File) take(l line, queued *bool) error {
	text := strings.TrimSpace(l.text)
	if len(text) > maxLine {
		return fmt.Errorf("longer than %d bytes", maxLine)
	}
	if strings.ContainsFunc(text, func(r rune) bool { return r < ' ' && r != '\t' || r == 0x7f }) {
		return errors.New("has control characters; this is no submit description")
	}
	if *queued {
		return errors.New("nothing may follow the line \"queue\": only one job can be meant")
	}
	word := strings.ToLower(firstWord.FindString(text))
	m := assignment.FindStringSubmatch(text)
	switch _, isRefused := refused[word]; {
	case m != nil:
		return f.assign(m[1] != "", m[2], strings.TrimSpace(m[3]), l.number)
	case word == "queue":
		*queued = true
		return f.queue(strings.TrimSpace(text[len(word):]))
	case isRefused:
		return fmt.Errorf("%q is understood by HTCondor only, not by the local engine; write the lines that it stands for", word)
	}
	return fmt.Errorf("%q is no line of a submit description, such as name = value", abridge(text))
}

// assign keeps a value. Where it uses the command's own name, that means the
// value so far.
func (f *File) assign(attribute bool, name, value string, number int) error {
	key := strings.ToLower(name)
	if attribute {
		key = "+" + key
	}
	old, known := f.commands[key]
	if !known {
		f.order = append(f.order, key)
	}
	if !attribute {
		value = replaceOwn(value, name, old.value)
	}
	if len(value) > maxLine {
		return fmt.Errorf("the value of %s grows over %d bytes", name, maxLine)
	}
	f.commands[key] = command{name: name, value: value, line: number}
	return nil
}

// replaceOwn replaces $(name) and $(name:default) in value by old.
func replaceOwn(value, name, old string) string {
	if !strings.Contains(strings.ToLower(value), "$("+strings.ToLower(name)) {
		return value
	}
	own := regexp.MustCompile(`(?i)\$\(` + regexp.QuoteMeta(name) + `(?::([^()]*))?\)`)
	return own.ReplaceAllStringFunc(value, func(use string) string {
		if old == "" {
			return own.FindStringSubmatch(use)[1]
		}
		return old
	})
}

// queue reads what follows the word queue.
func (f *File) queue(rest string) error {
	rest, err := f.expand(rest)
	if err != nil {
		return err
	}
	if rest = strings.TrimSpace(rest); rest == "" {
		return nil
	}
	n, err := strconv.Atoi(rest)
	if err != nil {
		return fmt.Errorf("\"queue %s\" is not understood by the local engine; a session wants exactly one job, so write \"queue\" alone", abridge(rest))
	}
	if n != 1 {
		return fmt.Errorf("\"queue %d\" means %d jobs; a session wants exactly one, so write \"queue\" alone", n, n)
	}
	return nil
}

func abridge(s string) string {
	const most = 60
	if len(s) > most {
		return strings.ToValidUTF8(s[:most], "") + "…"
	}
	return s
}
