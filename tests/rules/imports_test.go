package rules

import (
	"slices"
	"strings"
	"testing"
)

// forbidden says what a program or a part must not contain, not even by way of
// other packages.
var forbidden = []struct {
	what, never, reason string
}{
	{"perch/entrypoint", "perch/shim", "imports go from the shim to the contract, and from the entrypoint to the contract"},
	{"perch/entrypoint", "perch/ci", "a job is not built by itself"},
	{"perch/entrypoint", "net/http", "a job opens no port and makes no request"},
	{"perch/entrypoint", "github.com/spf13/viper", "its settings come from the job ad"},
	{"perch/entrypoint", "github.com/spf13/cobra", "five commands need no framework"},
	{"perch/shim/cmd/perch-ssh", "github.com/spf13/viper", "it is started for every connection, and has to be quick"},
	{"perch/shim/cmd/perch-ssh", "github.com/spf13/cobra", "it has ssh's command line, and has to be quick"},
	{"perch/shim/cmd/perch-ssh", "net/http", "it speaks to a socket alone, and has to be quick"},
	{"perch/shim/cmd/perch-ssh", "golang.org/x/crypto", "it never speaks SSH itself: it becomes the stock ssh"},
	{"perch/shim/cmd/perch", "perch/ci", "users have no image to build"},
	{"perch/shim/cmd/perch", "perch/entrypoint/internal", "the contract is all that both sides share"},
	{"perch/shim/cmd/perch", "perch/shim/internal/engine/enginetest", "it is for tests"},
	{"perch/ci", "perch/entrypoint/internal", "it looks at the others from outside"},
	{"perch/ci", "perch/shim/internal", "it looks at the others from outside"},
}

func within(path, tree string) bool { return path == tree || strings.HasPrefix(path, tree+"/") }

func find(t *testing.T, path string) pkg {
	t.Helper()
	all := packages(t)
	i := slices.IndexFunc(all, func(p pkg) bool { return p.ImportPath == path })
	if i < 0 {
		t.Fatalf("there is no package %s", path)
	}
	return all[i]
}

func TestForbiddenImports(t *testing.T) {
	for _, rule := range forbidden {
		for _, dep := range find(t, rule.what).Deps {
			if within(dep, rule.never) {
				t.Errorf("%s contains %s, but %s", rule.what, dep, rule.reason)
			}
		}
	}
}

// TestDirections: not only the programs, every package keeps to its side.
func TestDirections(t *testing.T) {
	sides := map[string][]string{
		"perch/shim":       {"perch/ci", "perch/tests", "perch/entrypoint/internal"},
		"perch/entrypoint": {"perch/shim", "perch/ci", "perch/tests"},
		"perch/ci":         {"perch/tests"},
	}
	for _, p := range packages(t) {
		for side, others := range sides {
			for _, dep := range p.Deps {
				for _, other := range others {
					if within(p.ImportPath, side) && within(dep, other) {
						t.Errorf("%s contains %s: imports go the other way", p.ImportPath, dep)
					}
				}
			}
		}
	}
}

// TestContractImports: both sides take it in, so it brings nothing with it.
func TestContractImports(t *testing.T) {
	for _, dep := range find(t, "perch/entrypoint/contract").Deps {
		if first, _, _ := strings.Cut(dep, "/"); strings.Contains(first, ".") || first == "perch" {
			t.Errorf("the contract imports %s; the standard library is all that it may", dep)
		}
	}
}

// TestWhoKnowsTheEngines: nothing outside of them asks which one it is, but
// what puts the parts together, and the command that is the local starter.
func TestWhoKnowsTheEngines(t *testing.T) {
	const htcondor, local = "perch/shim/internal/engine/htcondor", "perch/shim/internal/engine/local"
	may := map[string][]string{
		htcondor: {"perch/shim/internal/setup"},
		local:    {"perch/shim/internal/setup", "perch/shim/internal/command"},
	}
	for _, p := range packages(t) {
		for engine, who := range may {
			for _, dep := range p.Imports {
				if within(dep, engine) && !within(p.ImportPath, engine) && !slices.Contains(who, p.ImportPath) {
					t.Errorf("%s imports %s; the engine's interface is for that", p.ImportPath, dep)
				}
			}
		}
	}
}

// TestTestsOnly: what stands for an engine in tests is in no other package.
func TestTestsOnly(t *testing.T) {
	for _, p := range packages(t) {
		if slices.Contains(p.Imports, "perch/shim/internal/engine/enginetest") {
			t.Errorf("%s imports enginetest outside of its tests", p.ImportPath)
		}
	}
}
