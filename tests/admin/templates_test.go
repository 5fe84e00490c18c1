package admin

import (
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"perch/images"
	jdltemplates "perch/jdl-templates"
	"perch/tests/pool"
)

// checkTemplates: condor_submit takes each template that users are given, those
// of a site's catalogue among them. What Perch adds, the executable, is added
// here.
func checkTemplates(t *testing.T, p *pool.Pool) {
	files, err := filepath.Glob("../../jdl-templates/*.jdl")
	if err != nil || len(files) < 40 {
		t.Fatalf("there are %d templates, %v", len(files), err)
	}
	templates := map[string]string{}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		templates[filepath.Base(file)] = string(text)
	}
	for _, e := range []images.Environment{
		{Name: "sif", Title: "A SIF", Image: "/shared/images/root.sif", Registry: "registry.example.org/root:6.36", ContainerOS: "Root"},
		{Name: "registry", Title: "In a registry alone", Registry: "registry.example.org/root:6.36", ContainerOS: "Root"},
	} {
		for _, k := range jdltemplates.Kinds {
			if templates[k.File(e)], err = k.Text(e); err != nil {
				t.Fatal(err)
			}
		}
	}
	for name, text := range templates {
		got, err := p.ExecInput(t.Context(), text, "alice", "condor_submit", "-dry-run", "/dev/stdout", "-append", "executable = /bin/true", "-")
		if err != nil || got.Code != 0 {
			t.Errorf("condor_submit does not take %s: %v\n%s%s", name, err, got.Stdout, got.Stderr)
		}
		for _, miss := range misunderstood(text, got.Stdout) {
			t.Errorf("%s: %s; the ad is\n%s", name, miss, got.Stdout)
		}
	}
}

// means are the words of the templates, and which attribute of the job's ad has
// the same value, as it has to stand there. An unknown word is none of
// condor_submit's errors.
var means = map[string]struct {
	attr string
	as   func(value string) string
}{
	"container_image": {"ContainerImage", quoted}, "docker_image": {"DockerImage", quoted},
	"request_cpus": {"RequestCpus", same}, "request_gpus": {"RequestGPUs", same},
	"request_memory": {"RequestMemory", gigabytes(1 << 10)}, "request_disk": {"RequestDisk", gigabytes(1 << 20)},
	"allowed_execute_duration": {"AllowedExecuteDuration", same}, "+ContainerOS": {"ContainerOS", same},
	"universe": {"WantContainer", func(u string) string { return map[string]string{"container": "true", "docker": "", "vanilla": ""}[u] }},
}

func same(value string) string   { return value }
func quoted(value string) string { return `"` + value + `"` }

// gigabytes is for requests, which the ad has in unit-ths of a GB.
func gigabytes(units int) func(string) string {
	return func(value string) string {
		n, err := strconv.Atoi(strings.TrimSuffix(value, " GB"))
		if err != nil {
			return err.Error()
		}
		return strconv.Itoa(n * units)
	}
}

// misunderstood says which lines of a submit description its ad does not have.
func misunderstood(text, ad string) (missing []string) {
	for line := range strings.Lines(text) {
		word, value, ok := strings.Cut(line, "=")
		if !ok || strings.HasPrefix(line, "#") {
			continue
		}
		word, value = strings.TrimSpace(word), strings.TrimSpace(value)
		value = placeholder.ReplaceAllString(value, "$1")
		m, known := means[word]
		if !known {
			missing = append(missing, word+" is not known here")
		} else if want := m.as(value); want != "" && !strings.Contains("\n"+ad, "\n"+m.attr+" = "+want+"\n") {
			missing = append(missing, "there is no "+m.attr+" = "+want)
		}
	}
	return missing
}

// placeholder is a variable of the environment with what holds without it.
var placeholder = regexp.MustCompile(`\$ENV\(\w+:([^)]*)\)`)
