package submitfile

import (
	"errors"
	"fmt"
	"strings"
)

const (
	// maxDepth bounds macros in macros, and so ends cycles.
	maxDepth = 32
	// maxExpansions bounds their number in one value, and maxValue its length:
	// a few lines can stand for gigabytes otherwise.
	maxExpansions = 1000
	maxValue      = 64 << 10
)

// Define gives a macro that condor_submit knows by itself its value, such as
// Cluster. The file's own lines go before it.
func (f *File) Define(name, value string) { f.builtins[strings.ToLower(name)] = value }

// Value returns the value of a command, with its macros expanded, or "" where
// it is not there or empty. Of several names the first that is there counts.
func (f *File) Value(names ...string) (string, error) {
	for _, name := range names {
		if c, ok := f.commands[strings.ToLower(name)]; ok {
			return f.valueOf(c)
		}
	}
	return "", nil
}

// Line says where a command stands, for messages about its value: "FILE, line
// 3". Without such a command it is the file.
func (f *File) Line(names ...string) string {
	for _, name := range names {
		if c, ok := f.commands[strings.ToLower(name)]; ok {
			return fmt.Sprintf("%s, line %d", f.path, c.line)
		}
	}
	return f.path
}

// Attributes returns the job attributes that the file sets by + or My., in its
// order and with macros expanded; those with an empty value are left out.
func (f *File) Attributes() ([]Attribute, error) {
	var attributes []Attribute
	for _, key := range f.order {
		if !strings.HasPrefix(key, "+") {
			continue
		}
		c := f.commands[key]
		value, err := f.valueOf(c)
		if err != nil {
			return nil, err
		}
		if err := checkQuotes(value); err != nil {
			return nil, fmt.Errorf("%s, line %d: %w", f.path, c.line, err)
		}
		if value != "" {
			attributes = append(attributes, Attribute{c.name, value})
		}
	}
	return attributes, nil
}

// checkQuotes refuses an expression with a string that does not end.
func checkQuotes(value string) error {
	open := false
	for i := 0; i < len(value); i++ {
		switch value[i] {
		case '\\':
			i++
		case '"':
			open = !open
		}
	}
	if open {
		return errors.New("a string is not ended by a double quote")
	}
	return nil
}

func (f *File) valueOf(c command) (string, error) {
	value, err := f.expand(c.value)
	if err != nil {
		return "", fmt.Errorf("%s, line %d: %w", f.path, c.line, err)
	}
	return strings.TrimSpace(value), nil
}

// expansion is the work on one value.
type expansion struct {
	f     *File
	count int
}

// expand replaces $(name), $(name:default), and $ENV of a variable, also in what
// comes out. The text of default may hold macros.
func (f *File) expand(text string) (string, error) {
	return (&expansion{f: f}).expand(text, 0)
}

func (x *expansion) expand(text string, depth int) (string, error) {
	if depth > maxDepth {
		return "", fmt.Errorf("macros lead to each other for ever, or more than %d deep", maxDepth)
	}
	var out strings.Builder
	for {
		before, rest, found := strings.Cut(text, "$")
		out.WriteString(before)
		if !found {
			return out.String(), nil
		}
		call, after, err := parseCall(rest)
		if err != nil {
			return "", err
		}
		text = after
		if call == nil {
			out.WriteByte('$')
			continue
		}
		value, err := x.call(*call, depth)
		if err != nil {
			return "", err
		}
		out.WriteString(value)
		if x.count++; x.count > maxExpansions || out.Len() > maxValue {
			return "", fmt.Errorf("macros make the value longer than %d bytes", maxValue)
		}
	}
}

// macro is a macro's use: $(name), $(name:fallback), or $function(name…).
type macro struct {
	function, name, fallback string
	hasFallback              bool
}

// parseCall reads what follows a dollar sign. Without a macro there it returns
// nil and all of s.
func parseCall(s string) (*macro, string, error) {
	open := strings.IndexByte(s, '(')
	if open < 0 || strings.Trim(s[:open], "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_$") != "" {
		return nil, s, nil
	}
	level := 0
	for i := open; i < len(s); i++ {
		switch s[i] {
		case '(':
			level++
		case ')':
			level--
		}
		if level == 0 {
			m := &macro{function: s[:open]}
			m.name, m.fallback, m.hasFallback = strings.Cut(s[open+1:i], ":")
			return m, s[i+1:], nil
		}
	}
	return nil, "", fmt.Errorf("\"$%s\" has no closing parenthesis", abridge(s))
}

func (x *expansion) call(m macro, depth int) (string, error) {
	name := strings.TrimSpace(m.name)
	switch m.function {
	case "":
		return x.value(strings.ToLower(name), m, depth)
	case "ENV":
		if value, ok := x.f.getenv(name); ok {
			return value, nil
		}
		if m.hasFallback {
			return x.expand(m.fallback, depth+1)
		}
		return "UNDEFINED", nil
	}
	return "", fmt.Errorf("\"$%s(%s)\" is understood by HTCondor only, not by the local engine; write the value itself", abridge(m.function), abridge(m.name))
}

// value looks a macro up. An empty value counts as none, if there is a default.
func (x *expansion) value(key string, m macro, depth int) (string, error) {
	c, ok := x.f.commands[key]
	text := c.value
	if !ok {
		if builtin, known := x.f.builtins[key]; known && (builtin != "" || !m.hasFallback) {
			return builtin, nil
		}
	}
	if text == "" {
		text = m.fallback
	}
	return x.expand(text, depth+1)
}
