package submitfile

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func environment(name string) (string, bool) {
	value, ok := map[string]string{"HOME": "/home/alice", "EMPTY": ""}[name]
	return value, ok
}

// Each of these was given to condor_submit 25.14 -dry-run, with what is wanted
// as its answer.
func TestAsCondorSubmit(t *testing.T) {
	for _, test := range []struct{ name, text, want string }{
		{"comment is not continued", "# comment \\\n+A = 5", "5"},
		{"own name is the value so far", "x = a\nx = $(x),b\nX = $(X),c\n+A = \"$(x)\"", `"a,b,c"`},
		{"defaults", "+A = \"$(nope:d e)$(nope)$(nope:$(program))\"\nprogram = /bin/sh", `"d e/bin/sh"`},
		{"default of an empty value", "x =\n+A = \"[$(x:d)]\"", `"[d]"`},
		{"case", "FooBar = q\n+A = \"$(foobar)\"", `"q"`},
		{"My.", "my.A = 3", "3"},
		{"MY.", "MY.a = 4", "4"},
		{"backslash and blank", "+A = 1 + \\ \n2", "1 + 2"},
		{"continued lines", "x = 1 \\\n + 2 \\\n+ 3\n+A = \"$(x)\"", `"1 + 2 + 3"`},
		{"environment", "+A = \"$ENV(HOME)|$ENV(NOPE:def)\"", `"/home/alice|def"`},
		{"no such variable", "+A = \"$ENV(NOPE)\"", `"UNDEFINED"`},
		{"dollar and numbers", "+A = \"$(DOLLAR)(x) $(Cluster).$(Process)\"", `"$(x) 1.0"`},
		{"set later, and twice", "+A = \"$(late)\"\nlate = 1\nlate = 2", `"2"`},
		{"blanks", "   +A   =    1   \n\t+B=2", "1"},
		{"no value", "+B =\n+A = 1", "1"},
		{"CRLF", "+A = \"x\"\r\n+B = 1\r", `"x"`},
		{"queue of a macro", "+A = 1\nn = 1\nQUEUE $(n)", "1"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if !strings.Contains(strings.ToLower(test.text), "queue") {
				test.text += "\nqueue"
			}
			f, err := Parse("x.jdl", test.text, environment)
			if err != nil {
				t.Fatal(err)
			}
			f.Define("Cluster", "1")
			f.Define("Process", "0")
			attributes, err := f.Attributes()
			if err != nil || len(attributes) == 0 || !strings.EqualFold(attributes[0].Name, "A") || attributes[0].Value != test.want {
				t.Errorf("got %v, %v, want A = %s", attributes, err, test.want)
			}
		})
	}
}

func TestRefusals(t *testing.T) {
	deep := "a = $(b)$(b)\nb = $(c)$(c)\nc = $(d)$(d)\nd = $(e)$(e)\ne = $(f)$(f)\nf = $(g)$(g)\ng = $(h)$(h)\nh = $(i)$(i)\ni = $(j)$(j)\nj=x\n+A = $(a)\nqueue"
	for _, test := range []struct{ name, text, want string }{
		{"no queue", "log = x", `x.jdl has no line "queue", so no job is meant`},
		{"empty", "", `x.jdl has no line "queue", so no job is meant`},
		{"queue 3", "log = x\nqueue 3", `x.jdl, line 2: "queue 3" means 3 jobs; a session wants exactly one, so write "queue" alone`},
		{"queue 0", "queue 0", `x.jdl, line 1: "queue 0" means 0 jobs; a session wants exactly one, so write "queue" alone`},
		{"queue of a list", "queue x in (a, b)", `x.jdl, line 1: "queue x in (a, b)" is not understood by the local engine; a session wants exactly one job, so write "queue" alone`},
		{"two queues", "queue\nqueue", `x.jdl, line 2: nothing may follow the line "queue": only one job can be meant`},
		{"line after queue", "queue\n+A = 1", `x.jdl, line 2: nothing may follow the line "queue": only one job can be meant`},
		{"words", "log = x\n\na b = c\nqueue", `x.jdl, line 3: "a b = c" is no line of a submit description, such as name = value`},
		{"broken continuation", "+A = 1 + \\\n# comment\n2\nqueue", `x.jdl, line 3: "2" is no line of a submit description, such as name = value`},
		{"attribute of two words", "+A B = 1\nqueue", `x.jdl, line 1: "+A B = 1" is no line of a submit description, such as name = value`},
		{"include", "include : other.jdl\nqueue", `x.jdl, line 1: "include" is understood by HTCondor only, not by the local engine; write the lines that it stands for`},
		{"if", "if version > 24.0\nqueue", `x.jdl, line 1: "if" is understood by HTCondor only, not by the local engine; write the lines that it stands for`},
		{"cycle", "p = $(q)\nq = $(p)\n+A = $(p)\nqueue", `x.jdl, line 3: macros lead to each other for ever, or more than 32 deep`},
		{"explosion", deep, `x.jdl, line 11: macros make the value longer than 65536 bytes`},
		{"function", "+A = \"$Fn(program)\"\nqueue", `x.jdl, line 1: "$Fn(program)" is understood by HTCondor only, not by the local engine; write the value itself`},
		{"of the machine", "+A = \"$$(OpSys)\"\nqueue", `x.jdl, line 1: "$$(OpSys)" is understood by HTCondor only, not by the local engine; write the value itself`},
		{"no parenthesis", "+A = \"$(x\"\nqueue", `x.jdl, line 1: "$(x"" has no closing parenthesis`},
		{"no quote", "+A = \"x\nqueue", `x.jdl, line 1: a string is not ended by a double quote`},
		{"binary", "\x7fELF\x02\x01", `x.jdl, line 1: has control characters; this is no submit description`},
		{"long line", "x = " + strings.Repeat("y", maxLine), `x.jdl, line 1: longer than 65536 bytes`},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := Parse("x.jdl", test.text, environment)
			if err == nil {
				_, err = f.Attributes()
			}
			if err == nil || err.Error() != test.want {
				t.Errorf("got  %v\nwant %s", err, test.want)
			}
		})
	}
}

func TestRead(t *testing.T) {
	dir := t.TempDir()
	large := filepath.Join(dir, "large")
	if err := os.WriteFile(large, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(large, maxFile+1); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{
		dir:                       "is not a file",
		large:                     "has more than 1048576 bytes",
		filepath.Join(dir, "nix"): "no such file or directory",
		"/dev/zero":               "is not a file",
	} {
		if _, err := Read(path, environment); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("Read(%q): got %v, want an error with %q", path, err, want)
		}
	}
}

func TestValue(t *testing.T) {
	f, err := Parse("x.jdl", "initialdir = a\ninitial_dir = b\n\nlog = $(initialdir)/c \nqueue", environment)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		names []string
		want  string
	}{
		{[]string{"initial_dir", "initialdir"}, "b"},
		{[]string{"LOG"}, "a/c"},
		{[]string{"nothing"}, ""},
	} {
		if got, err := f.Value(test.names...); err != nil || got != test.want {
			t.Errorf("Value(%q): got %q, %v, want %q", test.names, got, err, test.want)
		}
	}
	if got, want := f.Line("log"), "x.jdl, line 4"; got != want {
		t.Errorf("Line: got %q, want %q", got, want)
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{
		"executable = /bin/sh\nqueue", "x = $(x:$(y))$(x)\n+A = \"$ENV(HOME:$(z)) $$(b)\"\nqueue $(n:1)",
		"a = \\\n# b\\\nc\nMy.B = \"\\\"\"\nQUEUE 1", "if\ninclude : x\n", "a=$(b)\nb=$(a)\n+C=$(a)\nqueue",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		file, err := Parse("x.jdl", text, environment)
		if err != nil {
			if strings.Contains(err.Error(), "\n") {
				t.Errorf("an error of several lines: %q", err)
			}
			return
		}
		attributes, err := file.Attributes()
		if err != nil {
			return
		}
		// What came out is literal, so it reads back as itself.
		var again strings.Builder
		for _, a := range attributes {
			if strings.Contains(a.Value, "$") || strings.HasSuffix(a.Value, `\`) || len(a.Value) > maxLine/2 {
				return
			}
			again.WriteString("+" + a.Name + " = " + a.Value + "\n")
		}
		file, err = Parse("x.jdl", again.String()+"queue", environment)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := file.Attributes(); err != nil || !cmp.Equal(got, attributes) {
			t.Errorf("got %v, %v, want %v", got, err, attributes)
		}
	})
}
