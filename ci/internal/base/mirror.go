package base

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/url"
	"path"
	"slices"
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
	for _, mirror := range []string{m.main, m.security} {
		// It would be in the image's sources.list.
		if address, err := url.Parse(mirror); err == nil && address.User != nil {
			return m, fmt.Errorf("this machine's apt has a password in the address of %s, which would be in the image; name a base image with --base", address.Redacted())
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

// optionNames are the options of this machine's apt that another apt needs where
// mirrors are frozen at a day in the past. They are part of the base.
var optionNames = []string{"Acquire::Check-Valid-Until", "Acquire::Check-Date"}

// proxyNames are those it needs to reach the mirrors, and the environment variables
// that apt takes in their place. They may have passwords, so no base has them.
var proxyNames = map[string]string{"Acquire::http::Proxy": "http_proxy", "Acquire::https::Proxy": "https_proxy"}

// direct is what apt calls no proxy.
const direct = "DIRECT"

// machineOptions returns those options that are set here: each of optionNames as a
// line of apt.conf, and of proxyNames as NAME=VALUE.
func machineOptions(ctx context.Context) (options, env []string, err error) {
	// No log should have passwords.
	out, err := tool.Run(ctx, io.Discard, "apt-config", "dump", "--no-empty", "--format", `%F "%v";%n`, "Acquire")
	if err != nil {
		return nil, nil, err
	}
	options, env = pickOptions(out)
	return options, env, nil
}

func pickOptions(dump string) (options, env []string) {
	for line := range strings.Lines(dump) {
		line = strings.TrimSpace(line)
		name, value, _ := strings.Cut(line, " ")
		if slices.Contains(optionNames, name) {
			options = append(options, line)
		}
		if variable := proxyNames[name]; variable != "" {
			value = strings.TrimSuffix(strings.TrimPrefix(value, `"`), `";`)
			if strings.EqualFold(value, direct) {
				value = ""
			}
			env = append(env, variable+"="+value)
		}
	}
	return options, env
}
