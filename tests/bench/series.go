package main

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync"
	"time"
)

// Series is what one way took, once a round.
type Series struct {
	Way  string
	Took Values
	// Busy is the processor time that went into it, where that was measured.
	Busy Values
}

// Values are seconds.
type Values []float64

// Table is a measurement: several ways, in the same rounds.
type Table struct {
	Name string
	Rows []Series
}

// row returns the way's series; an empty one where there is none.
func (t Table) row(way string) Series {
	for _, s := range t.Rows {
		if s.Way == way {
			return s
		}
	}
	return Series{Way: way}
}

// Median is NaN where nothing was measured.
func (s Values) Median() float64 {
	v := slices.Sorted(slices.Values(s))
	n := len(v)
	if n == 0 {
		return math.NaN()
	}
	return (v[(n-1)/2] + v[n/2]) / 2
}

// P95 is the smallest value that 95 of 100 do not exceed (nearest rank); with
// fewer than 20 values that is the largest.
func (s Values) P95() float64 { return s.percentile(95) }

// P99 is the same for 99 of 100.
func (s Values) P99() float64 { return s.percentile(99) }

func (s Values) percentile(p int) float64 {
	v := slices.Sorted(slices.Values(s))
	if len(v) == 0 {
		return math.NaN()
	}
	return v[(p*len(v)+99)/100-1]
}

// measure is one way of doing what others do, too.
type measure struct {
	way  string
	take func(context.Context) (sample, error)
}

// sample is what one time took, in seconds; busy as in Series, or 0.
type sample struct{ took, busy float64 }

// bounds are those of a measurement.
type bounds struct {
	rounds int
	// total is for all rounds: none begins that would not end in time if it
	// took as long as the one before. One round there always is. each is for
	// one way in one round.
	total, each time.Duration
}

// burst is a way of doing something several times in a row; what it returns are
// samples of one round.
type burst struct {
	way  string
	take func(context.Context) ([]sample, error)
}

// inTurns takes all measures once a round. Each round begins with the next one,
// so that none always comes behind the same.
func inTurns(ctx context.Context, name string, b bounds, measures []measure) (Table, error) {
	var bursts []burst
	for _, m := range measures {
		bursts = append(bursts, burst{m.way, func(ctx context.Context) ([]sample, error) {
			one, err := m.take(ctx)
			return []sample{one}, err
		}})
	}
	return inBursts(ctx, name, b, bursts)
}

// abreast takes the rounds of all measures at the same time: of what mostly
// waits, so that they do not wait for each other.
func abreast(ctx context.Context, name string, b bounds, measures []measure) (Table, error) {
	tables, failed := make([]Table, len(measures)), make([]error, len(measures))
	var running sync.WaitGroup
	for i, m := range measures {
		running.Go(func() { tables[i], failed[i] = inTurns(ctx, name, b, []measure{m}) })
	}
	running.Wait()
	t := Table{Name: name}
	for _, one := range tables {
		t.Rows = append(t.Rows, one.Rows...)
	}
	return t, errors.Join(failed...)
}

// inBursts does the same with bursts.
func inBursts(ctx context.Context, name string, b bounds, bursts []burst) (Table, error) {
	t := Table{Name: name}
	for _, m := range bursts {
		t.Rows = append(t.Rows, Series{Way: m.way})
	}
	end := time.Now().Add(b.total)
	var last time.Duration
	for round := range b.rounds {
		began := time.Now()
		if round > 0 && began.Add(last).After(end) {
			break
		}
		for i := range bursts {
			i = (i + round) % len(bursts)
			some, err := takeOne(ctx, b.each, bursts[i])
			if err != nil {
				return t, fmt.Errorf("measuring %s, %s: %w", name, bursts[i].way, err)
			}
			t.Rows[i].add(some...)
		}
		last = time.Since(began)
	}
	return t, nil
}

func takeOne(ctx context.Context, limit time.Duration, b burst) ([]sample, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	some, err := b.take(ctx)
	if ctx.Err() != nil {
		err = fmt.Errorf("not done after %v: %w", limit, ctx.Err())
	}
	return some, err
}

func (s *Series) add(some ...sample) {
	for _, one := range some {
		s.Took = append(s.Took, one.took)
		if one.busy > 0 {
			s.Busy = append(s.Busy, one.busy)
		}
	}
}
