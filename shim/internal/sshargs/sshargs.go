// Package sshargs reads a command line as OpenSSH's ssh does (ssh.c, ssh(1)),
// so that perch-ssh can stand in for ssh. It knows which words are options,
// values, the destination and the command, and nothing of what they mean.
package sshargs

import (
	"errors"
	"fmt"
	"strings"
)

// grammar is the getopt string of ssh.c in OpenSSH 9.4 to 10.2. Before 9.4, -P
// took no value and did nothing, and nobody uses it so.
const grammar = "1246ab:c:e:fgi:kl:m:no:p:qstvx" +
	"AB:CD:E:F:GI:J:KL:MNO:P:Q:R:S:TVw:W:XYy"

// Line is a command line of ssh, without the program's name.
type Line struct {
	// Before and After are the options before and after the destination, in
	// the caller's order.
	Before, After []Option
	// Destination is what names the host, as it was typed: host, user@host,
	// or ssh://….
	Destination string
	// Command is the words of the remote command. ssh joins them by blanks.
	Command []string
}

// Option is one option of a line.
type Option struct {
	Letter byte
	// Value is "" for an option that takes none.
	Value string
}

var errNoHost = errors.New("no host is named")

// Parse reads args, the words after the program's name. An error says that ssh
// itself would end with its usage: the caller should exec the real ssh with
// args as they are, which then says so in its own words. A line with -V or -Q
// alone names no host and is such an error, too.
func Parse(args []string) (Line, error) {
	var l Line
	before, rest, err := parseOptions(args)
	if err != nil {
		return Line{}, err
	}
	if len(rest) == 0 {
		return Line{}, errNoHost
	}
	l.Before, l.Destination, rest = before, rest[0], rest[1:]
	if !terminated(args[:len(args)-len(rest)-1]) {
		if l.After, rest, err = parseOptions(rest); err != nil {
			return Line{}, err
		}
	}
	l.Command = rest
	return l, nil
}

// terminated says whether options have ended for good in front of the
// destination. ssh.c looks at the last word alone, be it a value or not.
func terminated(before []string) bool {
	return len(before) > 0 && before[len(before)-1] == "--"
}

// parseOptions reads options up to the first other word, as getopt(3) does
// without permutation, and returns the words that follow.
func parseOptions(args []string) (opts []Option, rest []string, err error) {
	for len(args) > 0 {
		word := args[0]
		if len(word) < 2 || word[0] != '-' {
			return opts, args, nil
		}
		args = args[1:]
		if word == "--" {
			return opts, args, nil
		}
		var bundle []Option
		if bundle, args, err = parseBundle(word[1:], args); err != nil {
			return nil, nil, err
		}
		opts = append(opts, bundle...)
	}
	return opts, args, nil
}

// parseBundle reads the letters of one word, such as vTD in "-vTD 1234". The
// first letter that takes a value takes the rest of the word, or the next one.
func parseBundle(letters string, args []string) (opts []Option, rest []string, err error) {
	for i := range len(letters) {
		c := letters[i]
		known, takesValue := lookUp(c)
		switch {
		case !known:
			return nil, nil, fmt.Errorf("unknown option %q", "-"+string(rune(c)))
		case !takesValue:
			opts = append(opts, Option{Letter: c})
		case i+1 < len(letters):
			return append(opts, Option{c, letters[i+1:]}), args, nil
		case len(args) == 0:
			return nil, nil, fmt.Errorf("option -%c wants a value", c)
		default:
			return append(opts, Option{c, args[0]}), args[1:], nil
		}
	}
	return opts, args, nil
}

func lookUp(c byte) (known, takesValue bool) {
	i := strings.IndexByte(grammar, c)
	if c == ':' || i < 0 {
		return false, false
	}
	return true, strings.HasPrefix(grammar[i+1:], ":")
}

// Letters returns all option letters that ssh knows.
func Letters() string { return strings.ReplaceAll(grammar, ":", "") }

// TakesValue says whether the option of that letter takes a value.
func TakesValue(letter byte) bool {
	_, takes := lookUp(letter)
	return takes
}

// Args is the line in words again, one option each. Parse(l.Args()) is l for
// every line that came from Parse.
func (l Line) Args() []string {
	args := Print(l.Before)
	if isOption(l.Destination) {
		args = append(args, "--", l.Destination)
		return append(args, l.Command...)
	}
	args = append(args, l.Destination)
	args = append(args, Print(l.After)...)
	if len(l.Command) > 0 && isOption(l.Command[0]) {
		args = append(args, "--")
	}
	return append(args, l.Command...)
}

// Print is a list of options as words.
func Print(opts []Option) []string {
	var args []string
	for _, o := range opts {
		word := "-" + string(rune(o.Letter))
		switch {
		case !TakesValue(o.Letter):
			args = append(args, word)
		case o.Value == "--": // as a word of its own it would end the options
			args = append(args, word+o.Value)
		default:
			args = append(args, word, o.Value)
		}
	}
	return args
}

func isOption(word string) bool { return len(word) > 1 && word[0] == '-' }

// Options returns all options of the line in order.
func (l Line) Options() []Option {
	return append(l.Before[:len(l.Before):len(l.Before)], l.After...)
}

// Has says whether the option of that letter is in the line.
func (l Line) Has(letter byte) bool {
	for _, o := range l.Options() {
		if o.Letter == letter {
			return true
		}
	}
	return false
}
