package docs

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
)

var (
	command = regexp.MustCompile(`(?:^|[^\w.-])(perch|perch-ci) ([a-z][a-z-]*)`)
	inJob   = regexp.MustCompile(`(?:^|[^\w.-])perch-entrypoint ([a-z][a-z-]*)`)
	flag    = regexp.MustCompile(`(?:^|[\s\x00])(--[a-z-]+)`)
	// standIn is perch-ssh, whose options are ssh's.
	standIn = regexp.MustCompile(`perch-ssh [^\x00]*`)
	making  = regexp.MustCompile(`(?:^|\x00)make ([a-z-]+)`)
)

// TestCommands wants every command in the documentation to be one that the
// program has, with the flags that stand in the same line.
func TestCommands(t *testing.T) {
	h := build(t)
	seen := map[string]bool{}
	for _, p := range pages(t) {
		for _, line := range withoutMessages(p).code() {
			h.check(t, p, line, seen)
		}
	}
	for _, wanted := range []string{"perch up", "perch status", "perch list", "perch stop", "perch logs", "perch hostkey", "perch proxy", "perch-ci build", "perch-ci smoke"} {
		if !seen[wanted] {
			t.Errorf("%s is documented nowhere", wanted)
		}
	}
}

func (h helps) check(t *testing.T, p page, line string, seen map[string]bool) {
	t.Helper()
	var texts string
	for _, m := range command.FindAllStringSubmatch(line, -1) {
		name := m[1] + " " + m[2]
		text := h.of(t, m[1], m[2])
		// Asked for the help of a command that it has not, it prints its own.
		if !strings.Contains(text, "\n  "+name) {
			t.Errorf("%s: there is no command %q (%q)", p.path, name, line)
		}
		seen[name] = true
		texts += text
	}
	for _, m := range flag.FindAllStringSubmatch(standIn.ReplaceAllString(line, ""), -1) {
		if texts != "" && !strings.Contains(texts, m[1]) {
			t.Errorf("%s: there is no flag %s in %q", p.path, m[1], line)
		}
	}
	for _, m := range inJob.FindAllStringSubmatch(line, -1) {
		if !strings.Contains(h.of(t, "perch-entrypoint", "help"), "\n  "+m[1]+" ") {
			t.Errorf("%s: there is no command \"perch-entrypoint %s\"", p.path, m[1])
		}
	}
}

func TestMakeTargets(t *testing.T) {
	makefile := read(t, "Makefile").text
	for _, p := range pages(t) {
		for _, line := range p.code() {
			for _, m := range making.FindAllStringSubmatch(line, -1) {
				if !strings.Contains(makefile, "\n"+m[1]+":") {
					t.Errorf("%s: make has no target %q", p.path, m[1])
				}
			}
		}
	}
}

// withoutMessages leaves out what the programs say: a message like "this perch
// speaks …" is no command.
func withoutMessages(p page) page {
	if p.path != troubleshooting {
		return p
	}
	var kept []string
	for line := range strings.Lines(p.text) {
		if row := cells(line); len(row) > 1 {
			line = strings.Join(row[1:], " ") + "\n"
		}
		kept = append(kept, line)
	}
	return page{p.path, strings.Join(kept, "")}
}

// helps are the programs, and what they have said about their commands so far.
type helps struct {
	bin   string
	texts map[string]string
}

// TestMain removes what build has made.
func TestMain(m *testing.M) {
	status := m.Run()
	os.RemoveAll(built)
	os.Exit(status)
}

func build(t *testing.T) helps {
	t.Helper()
	bin, err := programs()
	if err != nil {
		t.Fatal(err)
	}
	return helps{bin, map[string]string{}}
}

// built is the directory of the programs, once they are there.
var built string

// programs builds Perch's programs, once, and returns their directory.
var programs = sync.OnceValues(func() (bin string, err error) {
	if bin, err = os.MkdirTemp("", "perch-docs-"); err != nil {
		return "", err
	}
	built = bin
	for name, pkg := range map[string]string{"perch": "./shim/cmd/perch", "perch-ssh": "./shim/cmd/perch-ssh",
		"perch-entrypoint": "./entrypoint", "perch-ci": "./ci"} {
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(bin, name), pkg)
		cmd.Dir = root
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0")
		if out, err := cmd.CombinedOutput(); err != nil {
			return "", fmt.Errorf("building %s: %w\n%s", name, err, out)
		}
	}
	return bin, nil
})

func (h helps) of(t *testing.T, program, command string) string {
	t.Helper()
	key := program + " " + command
	if text, known := h.texts[key]; known {
		return text
	}
	args := []string{command, "--help"}
	if program == "perch-entrypoint" {
		args = args[:1]
	}
	out, _ := exec.Command(filepath.Join(h.bin, program), args...).CombinedOutput()
	h.texts[key] = string(out)
	return string(out)
}
