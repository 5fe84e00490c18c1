package docs

import (
	"go/ast"
	"go/parser"
	"go/token"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const configuration = "docs/configuration.md"

// TestSettings wants the table of settings to have the fields of
// config.Settings, and the environment to have a variable for each.
func TestSettings(t *testing.T) {
	var want, documented, variables []string
	ast.Inspect(parse(t, "shim/internal/config/config.go"), func(n ast.Node) bool {
		if f, ok := n.(*ast.Field); ok && f.Tag != nil {
			tag, err := strconv.Unquote(f.Tag.Value)
			if err != nil {
				t.Fatal(err)
			}
			want = append(want, reflect.StructTag(tag).Get("mapstructure"))
		}
		return true
	})
	p := read(t, configuration)
	for _, row := range p.cells(t, "## Settings on the submit host")[1:] {
		documented = append(documented, strings.Trim(row[0], "`"))
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(documented))); diff != "" {
		t.Errorf("settings (-in the code +documented):\n%s", diff)
	}
	for _, m := range span.FindAllStringSubmatch(p.cells(t, "## The environment")[1][0], -1) {
		variables = append(variables, m[1])
	}
	for i := range want {
		want[i] = "PERCH_" + strings.ToUpper(want[i])
	}
	if diff := cmp.Diff(slices.Sorted(slices.Values(want)), slices.Sorted(slices.Values(variables))); diff != "" {
		t.Errorf("their variables (-in the code +documented):\n%s", diff)
	}
}

// TestContractDocumented wants every job attribute and exit code of the
// contract in the documentation.
func TestContractDocumented(t *testing.T) {
	text := read(t, configuration).text
	for name, value := range constants(t, "entrypoint/contract/names.go") {
		attribute, err := strconv.Unquote(value)
		if strings.HasPrefix(name, "Attr") && (err != nil || !strings.Contains(text, "+"+attribute)) {
			t.Errorf("%s does not speak of the attribute +%s", configuration, attribute)
		}
	}
	for name, value := range constants(t, "entrypoint/contract/exit.go") {
		if !strings.Contains(text, "| "+value+" |") {
			t.Errorf("%s does not speak of the exit code %s (%s)", configuration, value, name)
		}
	}
}

// ofPerch are names that only Perch can have made: variables and attributes.
var ofPerch = regexp.MustCompile(`\b(PERCH_[A-Z][A-Z_]*[A-Z]|Perch[A-Z][A-Za-z]+)\b`)

// TestNames wants each such name in the documentation to be one that the code,
// the templates or the administrator's files have, or a setting's variable.
func TestNames(t *testing.T) {
	known := sources(t)
	for _, row := range read(t, configuration).cells(t, "## The environment")[1:2] {
		known += row[0] // held by TestSettings
	}
	for _, p := range pages(t) {
		for _, line := range p.code() {
			for _, name := range ofPerch.FindAllString(line, -1) {
				if !strings.Contains(known, name) {
					t.Errorf("%s: nothing is called %s", p.path, name)
				}
			}
		}
	}
}

// sources is the text of everything but the documentation and tests.
func sources(t *testing.T) string {
	t.Helper()
	var b strings.Builder
	for _, dir := range []string{".github", "entrypoint", "shim", "ci", "jdl-templates", "tests/pool"} {
		err := filepath.WalkDir(filepath.Join(root, dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() || strings.HasSuffix(path, "_test.go") || strings.HasSuffix(path, ".md") || strings.Contains(path, "testdata") {
				return err
			}
			text, err := os.ReadFile(path)
			b.Write(text)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func parse(t *testing.T, path string) *ast.File {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), filepath.Join(root, path), nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	return file
}

// constants returns the literals of a file's constants, by name.
func constants(t *testing.T, path string) map[string]string {
	t.Helper()
	values := map[string]string{}
	ast.Inspect(parse(t, path), func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok {
			return true
		}
		for i, value := range spec.Values {
			if literal, ok := value.(*ast.BasicLit); ok {
				values[spec.Names[i].Name] = literal.Value
			}
		}
		return true
	})
	if len(values) == 0 {
		t.Fatalf("%s has no constants, or not where they were: %v", path, slices.Collect(maps.Keys(values)))
	}
	return values
}
