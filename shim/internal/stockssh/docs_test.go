package stockssh

import (
	"os"
	"regexp"
	"strings"
	"testing"

	"perch/shim/internal/sshargs"
)

var docRow = regexp.MustCompile("(?m)^\\| `(-?)(\\w+)( …)?` \\| (kept|dropped) \\| (\\S.*) \\|$")

// documented are the rows of docs/ssh-options.md: is the option kept?
func documented(t *testing.T) (letters, names map[string]bool) {
	t.Helper()
	text, err := os.ReadFile("../../../docs/ssh-options.md")
	if err != nil {
		t.Fatal(err)
	}
	letters, names = map[string]bool{}, map[string]bool{}
	for _, row := range docRow.FindAllStringSubmatch(string(text), -1) {
		dash, name, value, kept := row[1], row[2], row[3], row[4] == "kept"
		if dash == "" {
			names[name] = kept
			continue
		}
		letters[name] = kept
		if takes := sshargs.TakesValue(name[0]); takes != (value != "") {
			t.Errorf("the table shows -%s%s; takes a value: %v", name, value, takes)
		}
	}
	if rows := strings.Count(string(text), "\n| `"); rows != len(letters)+len(names) {
		t.Errorf("%d of %d rows can be read, or some are there twice", len(letters)+len(names), rows)
	}
	return letters, names
}

// TestDocumentedLetters holds docs/ssh-options.md and the code together.
func TestDocumentedLetters(t *testing.T) {
	letters, _ := documented(t)
	if len(letters) != len(sshargs.Letters()) {
		t.Errorf("%d letters in the table, ssh has %d", len(letters), len(sshargs.Letters()))
	}
	for _, c := range sshargs.Letters() {
		kept, ok := letters[string(c)]
		if got := Keeps(sshargs.Option{Letter: byte(c)}); !ok || kept != got {
			t.Errorf("-%c: in the table %v, kept there %v, kept by the program %v", c, ok, kept, got)
		}
	}
}

func TestDocumentedNames(t *testing.T) {
	_, names := documented(t)
	lower := map[string]bool{}
	for name, kept := range names {
		lower[strings.ToLower(name)] = true
		for _, form := range []string{name + "=x", strings.ToUpper(name) + " x", `"` + name + `" x`} {
			if got := Keeps(sshargs.Option{Letter: 'o', Value: form}); got != kept {
				t.Errorf("-o %s: kept by the table %v, by the program %v", form, kept, got)
			}
		}
	}
	older := map[string]bool{"dsaauthentication": true, "identityfile2": true, "pubkeyacceptedkeytypes": true, "smartcarddevice": true}
	for _, name := range droppedSettings {
		if !lower[name] && !older[name] {
			t.Errorf("%s is dropped, and not in the table", name)
		}
	}
	// Whatever this ssh knows has to be in the table, and so has what Perch sets.
	known := dump(t, "ssh", "-F", "/dev/null", "-o", "SetEnv=a=b", "-o", "SendEnv=a", "-D1", "-L2:x:3", "-R4:x:5", "x")
	for _, s := range append((Target{ProxyCommand: []string{"x"}}).settings(), defaults...) {
		known = append(known, strings.ToLower(s.name))
	}
	for _, line := range known {
		name, _, _ := strings.Cut(line, " ")
		if !lower[strings.ToLower(name)] {
			t.Errorf("%s is an option of ssh, and not in the table", name)
		}
	}
}

// TestOwnSettingsAreNotTheCallers: what Perch sets, no caller may set.
func TestOwnSettingsAreNotTheCallers(t *testing.T) {
	for _, s := range (Target{ProxyCommand: []string{"x"}}).settings() {
		if Keeps(sshargs.Option{Letter: 'o', Value: s.name + "=x"}) {
			t.Errorf("%s is set by Perch, and kept from the caller", s.name)
		}
	}
	for _, s := range defaults {
		if !Keeps(sshargs.Option{Letter: 'o', Value: s.name + "=x"}) {
			t.Errorf("%s is a default, and dropped from the caller's line", s.name)
		}
	}
	for _, o := range []sshargs.Option{{Letter: 'o', Value: "NoSuchOption=x"}, {Letter: 'o', Value: ""}} {
		if !Keeps(o) {
			t.Errorf("-o %q is dropped; ssh has to see it", o.Value)
		}
	}
}
