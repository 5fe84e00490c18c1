package sshargs

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestParse(t *testing.T) {
	o := func(letter byte, value string) Option { return Option{letter, value} }
	for _, c := range []struct {
		name string
		args []string
		want Line
	}{
		{"vs code", strings.Fields("-v -T -D 41007 -o ConnectTimeout=15 host bash"),
			Line{Before: []Option{o('v', ""), o('T', ""), o('D', "41007"), o('o', "ConnectTimeout=15")},
				Destination: "host", Command: []string{"bash"}}},
		{"bundle with a value", strings.Fields("-vTD 1234 host"),
			Line{Before: []Option{o('v', ""), o('T', ""), o('D', "1234")}, Destination: "host"}},
		{"attached values", strings.Fields("-p22 -oUser=x -vlme host"),
			Line{Before: []Option{o('p', "22"), o('o', "User=x"), o('v', ""), o('l', "me")}, Destination: "host"}},
		{"options after the host", strings.Fields("host -t -p 22 ls -la"),
			Line{Destination: "host", After: []Option{o('t', ""), o('p', "22")}, Command: []string{"ls", "-la"}}},
		{"two dashes before the host", strings.Fields("-s -- host sftp -v"),
			Line{Before: []Option{o('s', "")}, Destination: "host", Command: []string{"sftp", "-v"}}},
		{"two dashes, then a command that looks like an option", strings.Fields("-- host -v"),
			Line{Destination: "host", Command: []string{"-v"}}},
		{"two dashes after the host", strings.Fields("host -- -v -- x"),
			Line{Destination: "host", Command: []string{"-v", "--", "x"}}},
		{"a value that is two dashes ends options, too", []string{"-l", "--", "host", "-v"},
			Line{Before: []Option{o('l', "--")}, Destination: "host", Command: []string{"-v"}}},
		{"a value may look like an option", strings.Fields("-o -v host"),
			Line{Before: []Option{o('o', "-v")}, Destination: "host"}},
		{"empty values and words", []string{"-o", "", "host", "", "x y"},
			Line{Before: []Option{o('o', "")}, Destination: "host", Command: []string{"", "x y"}}},
		{"a dash is a host", strings.Fields("- -v"), Line{Destination: "-", After: []Option{o('v', "")}}},
		{"sftp's line", []string{"-oForwardX11 no", "-oClearAllForwardings yes", "-l", "me", "-s", "--", "JDL:x.jdl", "sftp"},
			Line{Before: []Option{o('o', "ForwardX11 no"), o('o', "ClearAllForwardings yes"), o('l', "me"), o('s', "")},
				Destination: "JDL:x.jdl", Command: []string{"sftp"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			got, err := Parse(c.args)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(c.want, got, cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("Parse(%q): -want +got\n%s", c.args, diff)
			}
		})
	}
}

func TestParseRefuses(t *testing.T) {
	for line, want := range map[string]string{
		"":          "no host",
		"-V":        "no host",
		"-Q cipher": "no host",
		"-v":        "no host",
		"-Z host":   `"-Z"`,
		"-vz host":  `"-z"`,
		"-: host":   `"-:"`,
		"--x host":  `"--"`,
		"host -Z":   `"-Z"`,
		"-o":        "-o wants",
		"host -vp":  "-p wants",
	} {
		if got, err := Parse(strings.Fields(line)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Parse(%q) = %+v, %v; want an error with %q", line, got, err, want)
		}
	}
}

func TestHas(t *testing.T) {
	l, err := Parse(strings.Fields("-vT host -G ls -A"))
	if err != nil {
		t.Fatal(err)
	}
	for letter, want := range map[byte]bool{'v': true, 'T': true, 'G': true, 'A': false, 'o': false} {
		if got := l.Has(letter); got != want {
			t.Errorf("Has(%c) = %v, want %v", letter, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, line := range []string{
		"-v -T -D 41007 -o ConnectTimeout=15 JDL:x.jdl bash", "-vTD1234 a@b -p 22 -- -x", "-l -- host -v",
		"- -v -- --", "-- -host -v", "-l -- -- -x", "-o  host", "-é host", "host -l -- -v --",
	} {
		f.Add(strings.ReplaceAll(line, " ", "\x00"))
	}
	f.Fuzz(func(t *testing.T, joined string) {
		args := strings.Split(joined, "\x00")
		l, err := Parse(args)
		if err != nil {
			return
		}
		again, err := Parse(l.Args())
		if err != nil {
			t.Fatalf("Parse(%q) after Parse(%q): %v", l.Args(), args, err)
		}
		if diff := cmp.Diff(l, again, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("Parse(%q), printed %q, parsed again: -first +second\n%s", args, l.Args(), diff)
		}
		l.Host()
		l.User()
		l.ConnectTimeout()
	})
}
