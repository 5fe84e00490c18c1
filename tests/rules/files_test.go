package rules

import (
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// longest is how many lines a Go file may have: more hold more than one thing.
const longest = 350

// longer are the files that may be longer, with the reason.
var longer = map[string]string{}

func TestFileSizes(t *testing.T) {
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, ".go") {
			continue
		}
		lines := strings.Count(content(t, name), "\n")
		reason, listed := longer[name]
		switch {
		case lines > longest && !listed:
			t.Errorf("%s has %d lines, more than %d; split it, or list it here with a reason", name, lines, longest)
		case lines <= longest && listed:
			t.Errorf("%s has %d lines and need not be listed (%s)", name, lines, reason)
		}
	}
	for name := range longer {
		if _, err := os.Stat(filepath.Join("../..", name)); err != nil {
			t.Errorf("%s is listed, and is not there", name)
		}
	}
}

// nameless are names that say nothing of what is inside, so that everything
// ends there.
var nameless = regexp.MustCompile(`^(util|utils|common|helper|helpers|manager|managers|misc)$`)

func TestNames(t *testing.T) {
	for _, name := range tracked(t) {
		for part := range strings.SplitSeq(name, "/") {
			base, _, _ := strings.Cut(part, ".")
			for word := range strings.SplitSeq(base, "_") {
				if nameless.MatchString(word) {
					t.Errorf("%s: %q says nothing of what is inside; name it for the one thing that it holds", name, word)
				}
			}
		}
	}
}

// TestPackageTexts: whoever opens a folder reads first what it is for.
func TestPackageTexts(t *testing.T) {
	_, files := parsed(t, ".go")
	told, folders := map[string]bool{}, map[string]string{}
	for name, file := range files {
		dir := filepath.Dir(name)
		folders[dir] = file.Name.Name
		text := file.Doc.Text()
		begin := "Package " + strings.TrimSuffix(file.Name.Name, "_test") + " "
		if file.Name.Name == "main" {
			begin = "Command "
		}
		told[dir] = told[dir] || strings.HasPrefix(text, begin)
	}
	for dir, name := range folders {
		if !told[dir] {
			t.Errorf("no file of %s says what package %s is for", dir, name)
		}
	}
}

// TestGoMod: whoever builds this gets what is written there, and no more.
func TestGoMod(t *testing.T) {
	for line := range strings.Lines(content(t, "go.mod")) {
		switch word, _, _ := strings.Cut(strings.TrimSpace(line), " "); word {
		case "replace", "exclude":
			t.Errorf("go.mod has %q: a module of others is to be used as it was published", strings.TrimSpace(line))
		case "toolchain":
			t.Errorf("go.mod has %q: the user's Go is good enough", strings.TrimSpace(line))
		}
	}
}

// TestNoMachine: nothing in the project says where it was written, neither
// where the checkout lies nor where that machine gets its packages from.
func TestNoMachine(t *testing.T) {
	telling := machine(t)
	for _, name := range tracked(t) {
		text := content(t, name)
		for _, word := range telling {
			if strings.Contains(text, word) {
				t.Errorf("%s has %q, which is of this machine alone", name, word)
			}
		}
	}
}

// public are where the whole world gets its packages from.
var public = regexp.MustCompile(`(^|\.)(golang\.org|debian\.org|ubuntu\.com)$`)

// mirrors are the addresses of Debian's packages, among those of others.
var mirrors = regexp.MustCompile(`https?://\S+/debian\b`)

func machine(t *testing.T) []string {
	t.Helper()
	top, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	// A checkout at /perch would be found in every path that has that part.
	var telling []string
	if strings.Count(top, "/") > 1 {
		telling = append(telling, top)
	}
	sources := run(t, "go", "env", "GOPROXY")
	lists, _ := filepath.Glob("/etc/apt/sources.list*/*")
	for _, list := range append(lists, "/etc/apt/sources.list") {
		text, _ := os.ReadFile(list) // there is none on most systems
		sources += "\n" + strings.Join(mirrors.FindAllString(string(text), -1), "\n")
	}
	for _, found := range regexp.MustCompile(`https?://[^\s,|]+`).FindAllString(sources, -1) {
		if u, err := url.Parse(found); err == nil && u.Hostname() != "" && !public.MatchString(u.Hostname()) {
			telling = append(telling, u.Hostname())
		}
	}
	return telling
}
