package rules

import (
	"go/ast"
	"go/token"
	"go/types"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestSkips: a test that does not run where something is missing is green for
// nothing. Short tests alone may leave out what takes long, and say so by
// "if testing.Short() && os.Getenv("CI") == """: in CI there are none.
func TestSkips(t *testing.T) {
	fset, files := parsed(t, "_test.go")
	for name, file := range files {
		ast.PreorderStack(file, nil, func(n ast.Node, stack []ast.Node) bool {
			if call, ok := n.(*ast.CallExpr); ok && isSkip(call) && !underShort(stack) {
				t.Errorf("%s:%d skips a test otherwise than under testing.Short() && os.Getenv(\"CI\") == \"\"", name, line(fset, n))
			}
			return true
		})
	}
}

func line(fset *token.FileSet, n ast.Node) int { return fset.Position(n.Pos()).Line }

func isSkip(call *ast.CallExpr) bool {
	method, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return false
	}
	switch method.Sel.Name {
	case "SkipNow", "Skipf":
		return true
	case "Skip":
		on, ok := method.X.(*ast.Ident)
		return ok && len(on.Name) <= 2 // t, tb, b, f
	}
	return false
}

// underShort says whether the innermost condition is that of TestSkips.
func underShort(stack []ast.Node) bool {
	for i := len(stack) - 1; i >= 0; i-- {
		branch, ok := stack[i].(*ast.IfStmt)
		if !ok {
			continue
		}
		return types.ExprString(branch.Cond) == `testing.Short() && os.Getenv("CI") == ""`
	}
	return false
}

// TestFuzzSeeds: a fuzz target without seeds begins with nothing that its
// parser takes, and as a plain test it would try nothing.
func TestFuzzSeeds(t *testing.T) {
	_, files := parsed(t, "_test.go")
	seeding := map[string]bool{"Add": true} // and the functions that call it
	for _, f := range functions(files) {
		if f.takesF && calls(f.Body, map[string]bool{"Add": true}) {
			seeding[f.Name.Name] = true
		}
	}
	targets := 0
	for _, f := range functions(files) {
		if !f.takesF || !strings.HasPrefix(f.Name.Name, "Fuzz") {
			continue
		}
		targets++
		corpus, _ := os.ReadDir(filepath.Join("../..", filepath.Dir(f.file), "testdata", "fuzz", f.Name.Name))
		if len(corpus) == 0 && !calls(f.Body, seeding) {
			t.Errorf("%s: %s has no seeds", f.file, f.Name.Name)
		}
	}
	if targets < 10 {
		t.Errorf("there are %d fuzz targets alone", targets)
	}
}

type function struct {
	*ast.FuncDecl
	file   string
	takesF bool // its one argument is a *testing.F
}

func functions(files map[string]*ast.File) (all []function) {
	for name, file := range files {
		for _, d := range file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok || f.Recv != nil || len(f.Type.Params.List) != 1 {
				continue
			}
			pointer, ok := f.Type.Params.List[0].Type.(*ast.StarExpr)
			if !ok {
				continue
			}
			of, ok := pointer.X.(*ast.SelectorExpr)
			all = append(all, function{f, name, ok && of.Sel.Name == "F"})
		}
	}
	return all
}

// calls says whether a function or method of one of the names is called.
func calls(body ast.Node, names map[string]bool) (found bool) {
	ast.Inspect(body, func(n ast.Node) bool {
		if call, ok := n.(*ast.CallExpr); ok {
			switch f := call.Fun.(type) {
			case *ast.SelectorExpr:
				found = found || names[f.Sel.Name]
			case *ast.Ident:
				found = found || names[f.Name]
			}
		}
		return !found
	})
	return found
}
