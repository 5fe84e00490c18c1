// Package rules holds what the repository promises about itself, each rule
// with its reason.
package rules

import (
	"bytes"
	"encoding/json"
	"go/ast"
	"go/parser"
	"go/token"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// run runs a program in the repository's top and returns what it printed.
func run(t *testing.T, name string, args ...string) string {
	t.Helper()
	cmd := exec.Command(name, args...)
	cmd.Dir = "../.."
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, stderr.String())
	}
	return string(out)
}

// pkg is what go list says about a package.
type pkg struct {
	ImportPath, Doc, Dir string
	Standard             bool
	Imports, Deps        []string
	GoFiles              []string
	TestGoFiles          []string
	XTestGoFiles         []string
}

var listed = sync.OnceValues(func() ([]pkg, error) {
	cmd := exec.Command("go", "list", "-json", "./...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		return nil, err
	}
	var packages []pkg
	for dec := json.NewDecoder(bytes.NewReader(out)); ; {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			return packages, nil
		} else if err != nil {
			return nil, err
		}
		packages = append(packages, p)
	}
})

// packages are those of this module.
func packages(t *testing.T) []pkg {
	t.Helper()
	all, err := listed()
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 30 {
		t.Fatalf("go list names %d packages alone", len(all))
	}
	return all
}

// tracked are the files that git knows and that are still there, by their paths
// from the top.
func tracked(t *testing.T) []string {
	t.Helper()
	// The checkout may belong to somebody else, as in a CI's container.
	var files []string
	for name := range strings.SplitSeq(run(t, "git", "-c", "safe.directory=*", "ls-files", "-z"), "\x00") {
		if info, err := os.Lstat(filepath.Join("../..", name)); err == nil && info.Mode().IsRegular() && name != "" {
			files = append(files, name)
		}
	}
	if len(files) < 100 {
		t.Fatalf("git knows %d files alone", len(files))
	}
	return files
}

func content(t *testing.T, name string) string {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("../..", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(data)
}

// parsed are the tracked Go files whose name ends in suffix.
func parsed(t *testing.T, suffix string) (*token.FileSet, map[string]*ast.File) {
	t.Helper()
	fset, files := token.NewFileSet(), map[string]*ast.File{}
	for _, name := range tracked(t) {
		if !strings.HasSuffix(name, suffix) {
			continue
		}
		file, err := parser.ParseFile(fset, name, content(t, name), parser.ParseComments)
		if err != nil {
			t.Fatal(err)
		}
		files[name] = file
	}
	return fset, files
}
