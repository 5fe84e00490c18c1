package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// runsMany measures how long n sessions take that begin at the same time.
func (w way) runsMany(n int) measure {
	return measure{w.name, func(ctx context.Context) (sample, error) {
		began := time.Now()
		failed := make([]error, n)
		var running sync.WaitGroup
		for i := range n {
			running.Go(func() { _, failed[i] = w.output(ctx, "true") })
		}
		running.Wait()
		return sample{took: time.Since(began).Seconds()}, errors.Join(failed...)
	}}
}

// held is what a server holds without sessions, and with Open idle ones.
type held struct {
	Way        string
	Open       int
	Base, With state
}

// each is the memory of one idle session, in bytes.
func (h held) each() float64 { return (h.With.Resident - h.Base.Resident) / float64(h.Open) }

// measureMemory opens terminals on which nobody types.
func (s *servers) measureMemory(ctx context.Context, c *comparison) error {
	return s.measureHeld(ctx, &c.Memory, s.both())
}

func (s *servers) measureHeld(ctx context.Context, into *[]held, servers []served) error {
	s.say("measuring what %d idle sessions take", s.Crowd)
	for _, w := range servers {
		h := held{Way: w.name, Open: s.Crowd, Base: stateOf(w.pids())}
		open := make([]*typist, s.Crowd)
		failed := make([]error, s.Crowd)
		var opening sync.WaitGroup
		for i := range open {
			opening.Go(func() { open[i], failed[i] = w.types(ctx) })
		}
		opening.Wait()
		h.With = stateOf(w.pids())
		for i, t := range open {
			if failed[i] == nil {
				failed[i] = t.end()
			}
		}
		if err := errors.Join(failed...); err != nil {
			return fmt.Errorf("opening %d sessions to %s: %w", s.Crowd, w.name, err)
		}
		*into = append(*into, h)
	}
	return nil
}
