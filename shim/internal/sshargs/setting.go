package sshargs

import (
	"math"
	"strings"
	"time"
)

const blanks = " \t\r\n"

// Setting splits an -o option into its name in lower case and the first word
// of its value, as readconf.c and ssh_config(5) do: "Name value", "Name=value",
// "Name = value", each word perhaps in double quotes. The name is "" for any
// other option, and where ssh would find none.
func (o Option) Setting() (name, value string) {
	if o.Letter != 'o' {
		return "", ""
	}
	name, rest := cutName(strings.TrimRight(o.Value, blanks+"\f"))
	if name == "" {
		name, rest = cutName(rest)
	}
	if name == "" || name[0] == '#' {
		return "", ""
	}
	return lower(name), firstWord(strings.TrimLeft(rest, blanks))
}

// cutName is strdelim of OpenSSH's misc.c: it takes the first word off s, at
// blanks and at most one "=". A double quote may stand anywhere in the word.
func cutName(s string) (name, rest string) {
	i := strings.IndexAny(s, blanks+`"=`)
	if i < 0 {
		return s, ""
	}
	if s[i] == '"' {
		quoted, rest, closed := strings.Cut(s[i+1:], `"`)
		if !closed {
			return "", ""
		}
		return s[:i] + quoted, strings.TrimLeft(rest, blanks)
	}
	name, rest = s[:i], strings.TrimLeft(s[i+1:], blanks)
	if s[i] != '=' && strings.HasPrefix(rest, "=") {
		rest = strings.TrimLeft(rest[1:], blanks)
	}
	return name, rest
}

// firstWord is the first word that argv_split of OpenSSH's misc.c finds: quotes
// of both kinds hold blanks, a backslash takes the meaning from quotes,
// backslashes and, outside of quotes, blanks.
func firstWord(s string) string {
	var word []byte
	var quote byte
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case c == '\\' && i+1 < len(s) && escapable(s[i+1], quote):
			i++
			word = append(word, s[i])
		case quote == 0 && (c == ' ' || c == '\t'):
			return string(word)
		case quote == 0 && (c == '"' || c == '\''):
			quote = c
		case quote != 0 && c == quote:
			quote = 0
		default:
			word = append(word, c)
		}
	}
	return string(word)
}

func escapable(c, quote byte) bool {
	return c == '\'' || c == '"' || c == '\\' || quote == 0 && c == ' '
}

// lower is ASCII alone, as OpenSSH compares its keywords.
func lower(s string) string {
	b := []byte(s)
	for i, c := range b {
		if 'A' <= c && c <= 'Z' {
			b[i] = c + 'a' - 'A'
		}
	}
	return string(b)
}

// Lookup returns the value that counts for a setting given by -o: the first.
// The name is compared without regard to case.
func (l Line) Lookup(name string) (value string, ok bool) {
	for _, o := range l.Options() {
		if n, v := o.Setting(); n == lower(name) {
			return v, true
		}
	}
	return "", false
}

// ConnectTimeout returns how long ssh may take to connect, if the line says so.
// 0 and "none" both mean without limit, and then ok is false, as it is where
// ssh would refuse the value.
func (l Line) ConnectTimeout() (d time.Duration, ok bool) {
	for _, o := range l.Options() {
		name, value := o.Setting()
		// A later value takes the place of "none": readconf.c stores it as
		// "not set".
		if name != "connecttimeout" || value == "none" {
			continue
		}
		d, ok = ParseTime(value)
		return d, ok && d > 0
	}
	return 0, false
}

// unitSeconds are the qualifiers of sshd_config(5), TIME FORMATS.
var unitSeconds = map[byte]int64{
	's': 1, 'm': 60, 'h': 60 * 60, 'd': 24 * 60 * 60, 'w': 7 * 24 * 60 * 60,
}

// ParseTime reads a time as in sshd_config(5), TIME FORMATS: numbers with an
// optional qualifier each, such as 90, 10m or 1h30m, which are added.
func ParseTime(s string) (d time.Duration, ok bool) {
	var total int64
	for s != "" {
		digits := len(s) - len(strings.TrimLeft(s, "0123456789"))
		if digits == 0 || digits > 10 {
			return 0, false
		}
		var n int64
		for _, c := range []byte(s[:digits]) {
			n = n*10 + int64(c-'0')
		}
		s = s[digits:]
		unit := int64(1)
		if s != "" {
			if unit = unitSeconds[lower(s[:1])[0]]; unit == 0 {
				return 0, false
			}
			s = s[1:]
		}
		if total += n * unit; total > math.MaxInt32 {
			return 0, false
		}
		ok = true
	}
	return time.Duration(total) * time.Second, ok
}
