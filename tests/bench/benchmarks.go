package main

import (
	"context"
	"errors"
	"fmt"
	"os/exec"
	"regexp"
	"strconv"
)

// benchmark is a Go benchmark and what one of its rounds takes, in seconds.
type benchmark struct {
	Name string
	Took float64
}

// homeBenchmarks runs those of the job home, and of the servers linked into it:
// what is done before anybody connects.
func homeBenchmarks(ctx context.Context, root string) ([]benchmark, error) {
	cmd := exec.CommandContext(ctx, "go", "test", "-run=^$", "-bench=.", "-benchtime=20x", "./entrypoint/internal/home", "./entrypoint/internal/idecache")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		var exit *exec.ExitError
		if errors.As(err, &exit) {
			out = append(out, exit.Stderr...)
		}
		return nil, fmt.Errorf("running the benchmarks of the job home: %w\n%s", err, out)
	}
	return parseBenchmarks(string(out)), nil
}

// benchmarkLine is one of go test's results.
var benchmarkLine = regexp.MustCompile(`(?m)^Benchmark(\S+?)(?:-\d+)?\s+\d+\s+([0-9.]+) ns/op`)

func parseBenchmarks(text string) (all []benchmark) {
	for _, m := range benchmarkLine.FindAllStringSubmatch(text, -1) {
		ns, _ := strconv.ParseFloat(m[2], 64) // the pattern has digits only
		all = append(all, benchmark{m[1], ns / 1e9})
	}
	return all
}
