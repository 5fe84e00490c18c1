package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path"
	"strings"

	"perch/ci/internal/tool"
)

// targetFormat makes apt-get indextargets print what parseMirrors reads.
const targetFormat = "$(REPO_URI) $(RELEASE) $(COMPONENT)"

// mirrors are the addresses from which this machine's apt has Debian. security
// is "" where it has none.
type mirrors struct {
	main, security string
}

// machineMirrors asks apt, whose configuration has two formats and many places.
func machineMirrors(ctx context.Context, log io.Writer) (mirrors, error) {
	out, err := tool.Run(ctx, log, "apt-get", "indextargets", "--format", targetFormat, "Created-By: Packages")
	if err != nil {
		return mirrors{}, err
	}
	return parseMirrors(out)
}

// parseMirrors finds Debian's mirrors in lines of targetFormat. Archives are
// told by the last part of their address, which is fixed on every mirror:
// debian and debian-security.
func parseMirrors(targets string) (mirrors, error) {
	var m mirrors
	for line := range strings.Lines(targets) {
		fields := strings.Fields(line)
		if len(fields) != 3 || fields[2] != "main" {
			continue
		}
		switch uri := strings.TrimSuffix(fields[0], "/"); path.Base(uri) {
		case "debian":
			m.main = first(m.main, uri)
		case "debian-security":
			m.security = first(m.security, uri)
		}
	}
	if m.main == "" {
		return m, errors.New("this machine's apt knows no Debian mirror; name a base image with --base")
	}
	return m, nil
}

func first(have, candidate string) string {
	if have != "" {
		return have
	}
	return candidate
}

// sources are the lines of a sources.list for suite.
func (m mirrors) sources(suite string) []string {
	lines := []string{
		fmt.Sprintf("deb %s %s main", m.main, suite),
		fmt.Sprintf("deb %s %s-updates main", m.main, suite),
	}
	if m.security != "" {
		lines = append(lines, fmt.Sprintf("deb %s %s-security main", m.security, suite))
	}
	return lines
}

// optionNames are the options of this machine's apt that another apt needs to
// use the same mirrors: through a proxy, or frozen at a day in the past.
var optionNames = []string{
	"Acquire::http::Proxy", "Acquire::https::Proxy",
	"Acquire::Check-Valid-Until", "Acquire::Check-Date",
}

// machineOptions returns those of optionNames that are set here, each as a line
// of apt.conf.
func machineOptions(ctx context.Context, log io.Writer) ([]string, error) {
	out, err := tool.Run(ctx, log, "apt-config", "dump", "--no-empty", "--format", `%F "%v";%n`, "Acquire")
	if err != nil {
		return nil, err
	}
	return pickOptions(out), nil
}

func pickOptions(dump string) []string {
	var options []string
	for line := range strings.Lines(dump) {
		line = strings.TrimSpace(line)
		for _, name := range optionNames {
			if strings.HasPrefix(line, name+" ") {
				options = append(options, line)
			}
		}
	}
	return options
}
