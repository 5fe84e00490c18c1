package pool

import (
	"bufio"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// EnvMirror names the environment variable with the Debian mirror's URI, for
// machines whose apt knows none, such as Ubuntu.
const EnvMirror = "PERCH_DEBIAN_MIRROR"

// debianSuites are the suites by which a source of Debian itself is known. Its
// security archive, backports and foreign archives are named otherwise, or have
// no component "main".
var debianSuites = []string{
	"stable", "testing", "unstable", "oldstable",
	"bullseye", "bookworm", "trixie", "forky", "duke", "sid",
}

// source is one entry of apt's configuration.
type source struct{ uris, suites, components []string }

// debianMirror is the URI from which this machine's apt takes Debian.
func debianMirror() (string, error) {
	if uri := os.Getenv(EnvMirror); uri != "" {
		return uri, nil
	}
	sources, err := aptSources("/etc/apt")
	if err != nil {
		return "", err
	}
	if uri := mirrorOf(sources); uri != "" {
		return uri, nil
	}
	return "", errors.New("apt's configuration names no Debian mirror; set " + EnvMirror + " to the URI of one")
}

// mirrorOf picks Debian's mirror. A URI that ends in "debian" goes first, since
// an archive with additions for Debian may use the same suites.
func mirrorOf(sources []source) string {
	var uris []string
	for _, s := range sources {
		isDebian := slices.ContainsFunc(s.suites, func(suite string) bool { return slices.Contains(debianSuites, suite) })
		if isDebian && slices.Contains(s.components, "main") {
			uris = append(uris, s.uris...)
		}
	}
	slices.SortStableFunc(uris, func(a, b string) int { return cmp.Compare(foreign(a), foreign(b)) })
	return strings.Join(uris[:min(1, len(uris))], "")
}

// foreign is 0 for a URI that ends as those of Debian's mirrors do, else 1.
func foreign(uri string) int {
	if strings.HasSuffix(strings.TrimRight(uri, "/"), "debian") {
		return 0
	}
	return 1
}

// aptSources reads the sources below dir in both formats of sources.list(5).
func aptSources(dir string) ([]source, error) {
	var all []source
	for _, format := range []struct {
		pattern string
		parse   func(io.Reader) ([]source, error)
	}{
		{"sources.list", parseList},
		{"sources.list.d/*.list", parseList},
		{"sources.list.d/*.sources", parseDeb822},
	} {
		paths, _ := filepath.Glob(filepath.Join(dir, format.pattern)) // fails for bad patterns only
		for _, path := range paths {
			found, err := parseFile(path, format.parse)
			if err != nil {
				return nil, fmt.Errorf("reading apt's sources: %s: %w", path, err)
			}
			all = append(all, found...)
		}
	}
	return all, nil
}

func parseFile(path string, parse func(io.Reader) ([]source, error)) ([]source, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return parse(f)
}

// parseList reads the one-line format: "deb [options] uri suite component…".
func parseList(r io.Reader) ([]source, error) {
	var all []source
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		text, _, _ := strings.Cut(lines.Text(), "#")
		text, isDeb := strings.CutPrefix(strings.TrimSpace(text), "deb ")
		if text = strings.TrimSpace(text); strings.HasPrefix(text, "[") {
			_, text, _ = strings.Cut(text, "]")
		}
		if words := strings.Fields(text); isDeb && len(words) >= 2 {
			all = append(all, source{words[:1], words[1:2], words[2:]})
		}
	}
	return all, lines.Err()
}

// parseDeb822 reads the format of fields, with an empty line between sources.
func parseDeb822(r io.Reader) ([]source, error) {
	var all []source
	fields, name := map[string][]string{}, ""
	end := func() {
		if slices.Contains(fields["types"], "deb") && !slices.Contains(fields["enabled"], "no") {
			all = append(all, source{fields["uris"], fields["suites"], fields["components"]})
		}
		fields, name = map[string][]string{}, ""
	}
	lines := bufio.NewScanner(r)
	for lines.Scan() {
		line := lines.Text()
		switch {
		case strings.TrimSpace(line) == "":
			end()
		case strings.HasPrefix(line, "#"):
		case line[0] == ' ' || line[0] == '\t': // goes on with the field above
			fields[name] = append(fields[name], strings.Fields(line)...)
		default:
			key, value, _ := strings.Cut(line, ":")
			name = strings.ToLower(key)
			fields[name] = strings.Fields(value)
		}
	}
	end()
	return all, lines.Err()
}

// aptOptions are the settings by which this machine's apt reaches its mirror:
// proxies, and whether the mirror is a frozen one whose index has expired.
func aptOptions() ([]string, error) {
	out, err := exec.Command("apt-config", "dump", "--no-empty", "--format", "%F \"%v\"%n",
		"Acquire::http", "Acquire::https", "Acquire::Check-Valid-Until").Output()
	if err != nil {
		return nil, fmt.Errorf("asking apt for its settings: %w", err)
	}
	return strings.FieldsFunc(string(out), func(r rune) bool { return r == '\n' }), nil
}
