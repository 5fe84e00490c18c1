package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// builds are the command lines that build an image into a directory. The base
// comes from Debian's mirror, whether or not a registry can be reached.
func (p picture) builds(out string) (all [][]string) {
	args := []string{"build", p.name, "-o", out, "--base", "mmdebstrap"}
	if p.first != "" {
		all = append(all, []string{"build", p.first, "-o", out, "--base", "mmdebstrap", "--images", p.folder})
		args = []string{"build", p.name, "-o", out, "--images", p.folder}
	}
	return append(all, args)
}

// coldLimit is for one build from nothing.
const coldLimit = 10 * time.Minute

// buildAll builds the images from nothing, each in a cache of its own, as long as
// there is time, and again where nothing has changed.
func (s *studio) buildAll(ctx context.Context, g *gallery) error {
	end := time.Now().Add(s.Cold)
	for i, p := range pictures {
		if time.Now().After(end) {
			s.say("no time is left to build %s from nothing", p.name)
			continue
		}
		if err := s.buildCold(ctx, p, &g.Images[i]); err != nil {
			return fmt.Errorf("building %s: %w", p.name, err)
		}
	}
	return nil
}

func (s *studio) buildCold(ctx context.Context, p picture, one *pictured) (err error) {
	s.say("building %s from nothing", p.name)
	ctx, cancel := context.WithTimeout(ctx, coldLimit)
	defer cancel()
	dir := filepath.Join(s.dir, "cold")
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	builds := p.builds(filepath.Join(dir, "images"))
	run := func(args []string) (sample, error) {
		cmd := exec.CommandContext(ctx, s.program("perch-ci"), args...)
		cmd.Env = append(os.Environ(), "XDG_CACHE_HOME="+filepath.Join(dir, "cache"))
		began := time.Now()
		err := runIn(s.root, cmd)
		return sample{time.Since(began).Seconds(), clientBusy(cmd)}, err
	}
	var sum float64
	for _, args := range builds {
		one, err := run(args)
		if err != nil {
			return err
		}
		sum += one.took
	}
	one.Cold = Values{sum}
	last := builds[len(builds)-1]
	one.CachedTable, err = inTurns(ctx, "cached", bounds{s.Cached, time.Minute, time.Minute}, []measure{
		{p.name, func(context.Context) (sample, error) { return run(last) }}})
	return err
}
