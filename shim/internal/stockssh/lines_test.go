package stockssh

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"perch/shim/internal/sshargs"
)

var update = flag.Bool("update", false, "write the golden files anew")

// testTarget is a job whose files lie in dir; its ssh_config is there.
func testTarget(t *testing.T, dir string) Target {
	t.Helper()
	target := Target{
		Alias:        "Rocky9_vscode.perch",
		HostKeyAlias: "rocky9_vscode-0a1b.perch",
		ConfigFile:   filepath.Join(dir, "ssh_config"),
		IdentityFile: filepath.Join(dir, "key"),
		KnownHosts:   filepath.Join(dir, "known_hosts"),
		ProxyCommand: []string{"/opt/perch/perch-ssh", "--fd", "/run/user/1000/perch/0a1b/sock"},
	}
	config, err := target.Config()
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(target.ConfigFile, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	return target
}

// argv is Perch's command line for the caller's words.
func argv(t *testing.T, target Target, caller ...string) []string {
	t.Helper()
	line, err := sshargs.Parse(caller)
	if err != nil {
		t.Fatalf("Parse(%q): %v", caller, err)
	}
	argv, err := target.Argv("ssh", line)
	if err != nil {
		t.Fatal(err)
	}
	return argv
}

// dump runs ssh -G and returns its lines, those of yes and no written alike by
// all versions of ssh.
func dump(t *testing.T, argv ...string) []string {
	t.Helper()
	out, err := output(exec.Command(argv[0], append([]string{"-G"}, argv[1:]...)...))
	if err != nil {
		t.Fatal(err)
	}
	return settingsOf(out)
}

func output(cmd *exec.Cmd) (string, error) {
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		err = fmt.Errorf("%q: %w\n%s", cmd.Args, err, stderr.Bytes())
	}
	return string(out), err
}

func settingsOf(out string) []string {
	lines := strings.Split(strings.TrimSpace(out), "\n")
	for i, l := range lines {
		l = strings.TrimSuffix(l, " ")
		if name, ok := strings.CutSuffix(l, " true"); ok {
			l = name + " yes"
		} else if name, ok := strings.CutSuffix(l, " false"); ok {
			l = name + " no"
		}
		lines[i] = l
	}
	return lines
}

// added returns the lines of got that are not in base.
func added(base, got []string) []string {
	return slices.DeleteFunc(slices.Clone(got), func(l string) bool { return slices.Contains(base, l) })
}

// TestLines runs the stock ssh with -G for each file of testdata/lines: above
// the dashes the caller's words, one a line; below, what Perch adds behind its
// own options, and what ssh makes of the whole that it does not make of a line
// without any caller's option. For plain.txt it is compared with ssh's own
// defaults, so that file shows what Perch sets.
func TestLines(t *testing.T) {
	files, err := filepath.Glob("testdata/lines/*.txt")
	if err != nil || len(files) < 15 {
		t.Fatalf("found %d golden files, %v", len(files), err)
	}
	dir := t.TempDir()
	target := testTarget(t, dir)
	own := argv(t, target, "JDL:x")
	own = own[:len(own)-1]
	plain := dump(t, append(own, target.Alias)...)
	defaults := dump(t, "ssh", "-F", "/dev/null", target.Alias)

	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txt"), func(t *testing.T) {
			golden, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			words, want, _ := strings.Cut(string(golden), "----\n")
			caller := strings.Split(strings.TrimSuffix(words, "\n"), "\n")
			line := argv(t, target, caller...)
			if !slices.Equal(line[:len(own)], own) {
				t.Fatalf("%q does not begin with Perch's own options", line)
			}
			base := plain
			if filepath.Base(file) == "plain.txt" {
				base = defaults
			}
			result := append([]string{strings.Join(quoteAll(line[len(own):]), " ")}, added(base, dump(t, line...))...)
			got := strings.ReplaceAll(strings.Join(result, "\n")+"\n", dir, "$DIR")
			if *update {
				if err := os.WriteFile(file, []byte(words+"----\n"+got), 0o644); err != nil {
					t.Fatal(err)
				}
			} else if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%q: -want +got\n%s", caller, diff)
			}
		})
	}
}

func quoteAll(words []string) []string {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = shellWord(w)
	}
	return quoted
}

// TestConfigAlone proves that the file says the same as the command line.
func TestConfigAlone(t *testing.T) {
	target := testTarget(t, t.TempDir())
	want := dump(t, argv(t, target, "JDL:x")...)
	got := dump(t, "ssh", "-F", target.ConfigFile, target.Alias)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("ssh -G, with Perch's options -, by its file alone +\n%s", diff)
	}
}
