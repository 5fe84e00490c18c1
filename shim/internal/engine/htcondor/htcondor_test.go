package htcondor

import (
	"context"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"
)

// TestComplaint has the words of real tools, of 23.9 and 25.14.
func TestComplaint(t *testing.T) {
	for _, c := range []struct{ name, said, want string }{
		{"syntax, 25", "\nERROR: on Line 2 of syntax.sub: \n\nERROR: Failed to parse command file (line 2).\n",
			"on Line 2 of syntax.sub: Failed to parse command file (line 2)."},
		{"syntax, 23", "\nERROR: on Line 2 of submit file: \n\nERROR: Failed to parse command file (line 2).\n",
			"on Line 2 of submit file: Failed to parse command file (line 2)."},
		{"no queue, 23", "\nERROR: on Line 1 of submit file: no queue statement\n\nERROR: Failed to parse command file (line 1).\n",
			"on Line 1 of submit file: no queue statement; Failed to parse command file (line 1)."},
		{"condition", "\nERROR: on Line 2 of iff.sub: version > 24.0 && 1 is not a valid if condition because complex conditionals are not supported\n\nERROR: Failed to parse command file (line 2).\n",
			"on Line 2 of iff.sub: version > 24.0 && 1 is not a valid if condition because complex conditionals are not supported; Failed to parse command file (line 2)."},
		{"include", "\nERROR: on Line 2 of incl.sub: \nSubmit:-1:Error \"gone.sub\", Line 0, Include Depth 1: can't open file gone.sub: No such file or directory\n\nERROR: Failed to parse command file (line 2).\n",
			`on Line 2 of incl.sub: Submit:-1:Error "gone.sub", Line 0, Include Depth 1: can't open file gone.sub: No such file or directory; Failed to parse command file (line 2).`},
		{"expression", "ERROR: Parse error in expression: \n\tRequirements = ((1 +) && (TARGET.Arch == \"X86_64\"))\n\t\nWARNING: Could not get attribute references from Requirements: ((1 +)\n",
			`Parse error in expression: Requirements = ((1 +) && (TARGET.Arch == "X86_64"))`},
		{"no such file", "\nERROR: Failed to open command file (gone.sub) (No such file or directory)\n",
			"Failed to open command file (gone.sub) (No such file or directory)"},
		{"executable, 25", "\nERROR: Can't access executable file /bin/nope: No such file or directory\n",
			"Can't access executable file /bin/nope: No such file or directory"},
		{"executable, 23", "\nERROR: Executable file /bin/nope does not exist\n", "Executable file /bin/nope does not exist"},
		{"no schedd", "\nERROR: Can't find address of schedd nosuch@schedd\n", "Can't find address of schedd nosuch@schedd"},
		{"no schedd, condor_q", "Error: Can't find address for schedd gone\n\nExtra Info: You probably saw this error because the condor_schedd is not \nrunning\n",
			"Error: Can't find address for schedd gone"},
		{"schedd down", "\nERROR: Failed to connect to local queue manager\nSECMAN:2011:Connection closed during command authorization.\n",
			"Failed to connect to local queue manager; SECMAN:2011:Connection closed during command authorization."},
		{"rule", "\nERROR: Failed to commit job submission into the queue.\nERROR: editor jobs may ask for 2000 MB at most, not 4096\n",
			"Failed to commit job submission into the queue.; editor jobs may ask for 2000 MB at most, not 4096"},
		{"rm", "\nJob 999999.0 not found\n", "Job 999999.0 not found"},
		{"warnings alone", "\nWARNING: the line 'x' was unused\n", ""},
		{"nothing", "", ""},
	} {
		if got := complaint(c.said); got != c.want {
			t.Errorf("%s:\n got %q\nwant %q", c.name, got, c.want)
		}
	}
}

func FuzzComplaint(f *testing.F) {
	f.Add("ERROR: a:\n\tb\nWARNING: c\n")
	f.Add(strings.Repeat("ERROR: öö\n", 200))
	f.Fuzz(func(t *testing.T, said string) {
		line := complaint(said)
		if strings.Contains(line, "\n") || len(line) > maxComplaint+len(" …") {
			t.Errorf("%q became %q", said, line)
		}
		if utf8.ValidString(said) && !utf8.ValidString(line) {
			t.Errorf("%q was cut in a character: %q", said, line)
		}
	})
}

func TestScheddName(t *testing.T) {
	for _, c := range []struct{ macros, want string }{
		{"//pool.perch.test\n", "pool.perch.test"},
		{"far.example.org//near.example.org", "far.example.org"},
		{"schedd@far//near", "schedd@far"},
		{"/mine/near", "mine@near"},
		{"/mine@/near", "mine@"},
		{"/mine@far/near", "mine@far"},
		{"a/b/c/d", "a"},
	} {
		if got, err := scheddName(c.macros); err != nil || got != c.want {
			t.Errorf("%q: got %q, %v; want %q", c.macros, got, err, c.want)
		}
	}
	for _, macros := range []string{"", "\n", "one/two"} {
		if got, err := scheddName(macros); err == nil {
			t.Errorf("%q: got %q and no error", macros, got)
		}
	}
}

// TestTool runs programs that every machine has.
func TestTool(t *testing.T) {
	if out, err := tool(t.Context(), "/", "pwd"); err != nil || string(out.stdout) != "/\n" {
		t.Errorf("pwd in /: %q, %v", out.stdout, err)
	}
	if _, err := tool(t.Context(), "", "ls", "/no/such/file"); err == nil || !strings.Contains(err.Error(), "No such file") {
		t.Errorf("ls of nothing: %v; want its own words", err)
	}
	if _, err := tool(t.Context(), "", "false"); err == nil || !strings.Contains(err.Error(), "running false: exit status 1") {
		t.Errorf("false: %v", err)
	}
	if _, err := tool(t.Context(), "", "perch-no-such-tool"); err == nil || !strings.Contains(err.Error(), "perch-no-such-tool") {
		t.Errorf("a tool that is not there: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := tool(ctx, "", "sleep", "60"); !errors.Is(err, context.Canceled) {
		t.Errorf("a call that was given up: %v", err)
	}
}
