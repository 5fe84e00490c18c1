package environment

import (
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// What all environments share stands once, in shared.
func TestNoFolderRepeatsShared(t *testing.T) {
	const images = "../../../images"
	names, err := List(images)
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range names {
		for _, repeated := range repeats(t, images, name) {
			t.Errorf("%s: %s", name, repeated)
		}
	}
}

// repeats says what in the folder of an environment stands in shared, too, or
// does not belong there.
func repeats(t *testing.T, images, name string) []string {
	t.Helper()
	dir, shared := filepath.Join(images, name), filepath.Join(images, Shared)
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, e := range entries {
		if e.Name() != "Containerfile" && e.Name() != "smoke.yaml" {
			found = append(found, e.Name()+" is a file that no folder has")
		}
	}
	containerfile := read(t, filepath.Join(dir, "Containerfile"))
	scripts, err := filepath.Glob(filepath.Join(shared, "*.sh"))
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%s has no scripts, %v", shared, err)
	}
	known := map[string]bool{}
	for _, script := range scripts {
		maps.Copy(known, lines(read(t, script)))
	}
	for line := range lines(containerfile) {
		if known[line] {
			found = append(found, "the line "+line)
		}
	}
	if strings.Contains(containerfile, "install.sh") {
		found = append(found, packages(t, shared, containerfile)...)
		places := lines(read(t, filepath.Join(shared, "mountpoints")))
		for _, word := range strings.Fields(containerfile) {
			if places[word] {
				found = append(found, "the mount point "+word)
			}
		}
	}
	own, all := expectations(t, dir), expectations(t, shared)
	for key, value := range own {
		if same, known := all[key]; known && reflect.DeepEqual(value, same) {
			found = append(found, "the expectation "+key)
		}
	}
	slices.Sort(found)
	return found
}

// installs finds a command that installs packages, and their names.
var installs = regexp.MustCompile(`(?:install\.sh|(?:apt|apt-get|dnf|microdnf|yum)\b[^&;|\n]* install)\b([^&;|\n]*)`)

// packages are those that a Containerfile installs although the lists in shared
// have them.
func packages(t *testing.T, shared, containerfile string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(shared, "packages", "*", "*"))
	if err != nil || len(files) == 0 {
		t.Fatalf("%s has no lists of packages, %v", shared, err)
	}
	listed := map[string]bool{}
	for _, file := range files {
		maps.Copy(listed, lines(read(t, file)))
	}
	var found []string
	for _, m := range installs.FindAllStringSubmatch(strings.ReplaceAll(containerfile, "\\\n", " "), -1) {
		for _, word := range strings.Fields(m[1]) {
			if listed[word] {
				found = append(found, "the package "+word)
			}
		}
	}
	return found
}

// lines are those that say something, as they would stand alone.
func lines(text string) map[string]bool {
	found := map[string]bool{}
	for line := range strings.Lines(text) {
		line, _, _ = strings.Cut(line, " #")
		line = strings.TrimPrefix(strings.TrimSpace(line), "RUN ")
		line = strings.TrimSpace(strings.Trim(line, `\&; `))
		if line != "" && !strings.HasPrefix(line, "#") {
			found[line] = true
		}
	}
	return found
}

// expectations are the values of a smoke.yaml by their keys, those below another
// as "tools: git".
func expectations(t *testing.T, dir string) map[string]any {
	t.Helper()
	var file map[string]any
	if err := yaml.Unmarshal([]byte(read(t, filepath.Join(dir, "smoke.yaml"))), &file); err != nil {
		t.Fatalf("%s: %v", dir, err)
	}
	flat := map[string]any{}
	for key, value := range file {
		inner, nested := value.(map[string]any)
		if !nested {
			flat[key] = value
		}
		for name, v := range inner {
			flat[fmt.Sprintf("%s: %s", key, name)] = v
		}
	}
	return flat
}

func read(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestRepeats(t *testing.T) {
	const head = "ARG BASE=x\nFROM ${BASE}\nCOPY shared/ /usr/local/share/perch/\n"
	const usual = head + "RUN sh /usr/local/share/perch/install.sh\n"
	for name, c := range map[string]struct {
		containerfile, smoke, other string
		want                        []string
	}{
		"nothing":               {containerfile: usual + "RUN sh /usr/local/share/perch/install.sh hdf5-tools\n", smoke: "size: 1\ntools: {h5ls: h5ls --version, git: git --own}\n"},
		"own base, own way":     {containerfile: "ARG BASE=x\nFROM ${BASE}\nRUN apt-get install -qq git && mkdir /cvmfs\n"},
		"a package":             {containerfile: head + "RUN sh /usr/local/share/perch/install.sh hdf5-tools git\n", want: []string{"the package git"}},
		"a package, by apt":     {containerfile: usual + "RUN apt-get -y install tree \\\n    gdb && git --version\n", want: []string{"the package gdb"}},
		"a package, by dnf":     {containerfile: usual + "RUN dnf -y install vim-enhanced\n", want: []string{"the package vim-enhanced"}},
		"with a remark's":       {containerfile: usual + "RUN apt-get install libnss-wrapper\n", want: []string{"the package libnss-wrapper"}},
		"a command":             {containerfile: usual + "RUN true && \\\n    locale-gen\n", want: []string{"the line locale-gen"}},
		"a mount point":         {containerfile: usual + "RUN mkdir -p /cvmfs /data\n", want: []string{"the mount point /cvmfs"}},
		"an expected tool":      {containerfile: usual, smoke: "tools:\n  git: git --version\n", want: []string{"the expectation tools: git"}},
		"a copied list":         {containerfile: usual, other: "packages.txt", want: []string{"packages.txt is a file that no folder has"}},
		"a package, in a job's": {containerfile: usual + "RUN sh /usr/local/share/perch/install.sh cmake cmake-data\n", smoke: "glibc: \"1\"\n", want: []string{"the package cmake"}},
	} {
		images := t.TempDir()
		if err := os.CopyFS(filepath.Join(images, Shared), os.DirFS("../../../images/shared")); err != nil {
			t.Fatal(err)
		}
		files := map[string]string{"Containerfile": c.containerfile, "smoke.yaml": c.smoke}
		if c.other != "" {
			files[c.other] = "git\n"
		}
		for file, text := range files {
			if err := os.MkdirAll(filepath.Join(images, "own"), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(images, "own", file), []byte(text), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		if got := repeats(t, images, "own"); !slices.Equal(got, c.want) {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}
