package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// insideWord is the command that makes bench measure in the pool, as a user
// there; the word behind it says what.
const insideWord = "inside"

// Phases of bench in the pool.
const (
	phaseSessions = "sessions"
	phaseFirst    = "first"
)

// Tables of bench in the pool.
const (
	tableWarm  = "warm"
	tableDown  = "down"
	tableUp    = "up"
	tableFirst = "first"
)

// place is where bench in the pool works.
type place struct {
	plan
	home, bin string
	// self is bench itself.
	self string
	// say tells what goes on.
	say func(format string, args ...any)
}

// inside measures a phase and prints its tables as JSON.
func inside(ctx context.Context, phase string, p plan, stdout, stderr io.Writer) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	home, err := os.UserHomeDir()
	if err != nil {
		return err
	}
	here := place{plan: p, home: home, bin: filepath.Dir(self), self: self}
	here.say = saysTo(stderr)
	var tables []Table
	switch phase {
	case phaseSessions:
		tables, err = here.sessions(ctx)
	case phaseFirst:
		tables, err = here.first(ctx)
	default:
		err = fmt.Errorf("%w: there is no phase %q", errUsage, phase)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(stdout).Encode(tables)
}

// saysTo returns what tells what goes on, with the time.
func saysTo(w io.Writer) func(format string, args ...any) {
	return func(format string, args ...any) {
		fmt.Fprintf(w, time.Now().Format("15:04:05 ")+format+"\n", args...)
	}
}

func (p place) program(name string) string { return filepath.Join(p.bin, name) }

// jdl writes a submit description into the user's home and returns its path.
func (p place) jdl(name string, lines ...string) (string, error) {
	path := filepath.Join(p.home, name+".jdl")
	lines = append([]string{"request_cpus = 1", "request_memory = 256M", "request_disk = 10M"}, lines...)
	return path, os.WriteFile(path, []byte(strings.Join(append(lines, "queue", ""), "\n")), 0o644)
}

// container are a submit description's lines for the image.
func (p place) container() []string {
	return []string{"universe = container", "container_image = " + p.Image}
}

// onlyOne returns the one file that a pattern matches.
func onlyOne(pattern string) (string, error) {
	found, err := filepath.Glob(pattern)
	if err == nil && len(found) != 1 {
		err = fmt.Errorf("%d files match %s", len(found), pattern)
	}
	if err != nil {
		return "", err
	}
	return found[0], nil
}
