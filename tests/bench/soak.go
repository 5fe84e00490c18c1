package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"
	"time"
)

// soakPause is between two connects of a soak: 18,000 in 30 minutes.
const soakPause = 100 * time.Millisecond

// soakTogether bounds the sessions that a soak has open at once, where the
// machine is too slow for its pace.
const soakTogether = 64

// clientEach is how many sessions there are for a start of the client alone.
const clientEach = 10

// soaked is what a soak has shown.
type soaked struct {
	Length time.Duration
	// Took are the sessions' times; Failed says what became of the others.
	Took   Values
	Failed []string
	// Alone are the times of a client that reaches no server, once for
	// clientEach sessions: what is in them is the machine's.
	Alone Values
	// States are perch-entrypoint's, at the beginning and then after each
	// tenth of the soak.
	States []state
	// Goroutines are those at the end, and of one that has served a few.
	Goroutines, Fresh int
}

// growth is what has come from the first tenth on, when the process has grown
// to its size: memory as a share, and files.
func (s soaked) growth() (resident float64, files int) {
	first, last := s.States[1], s.States[len(s.States)-1]
	return last.Resident/first.Resident - 1, last.Files - first.Files
}

// fewSessions are served by what a soaked server is compared with.
const fewSessions = 10

// countGoroutines ends the server, and another that has served a few sessions.
func (s *servers) countGoroutines(ctx context.Context, got *soaked) (err error) {
	dir := filepath.Join(s.home, "fresh")
	if _, err := s.newHome(ctx, dir); err != nil {
		return err
	}
	fresh, err := s.startPerch(dir)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, fresh.stop()) }()
	for range fewSessions {
		if _, err := fresh.output(ctx, "true"); err != nil {
			return err
		}
	}
	for end := time.Now().Add(time.Minute); stateOf(fresh.serving()).Files > got.States[0].Files || stateOf(s.perch.pids()).Files > got.States[0].Files; {
		if time.Now().After(end) {
			break // which the count shows
		}
		time.Sleep(10 * time.Millisecond)
	}
	if got.Fresh, err = fresh.goroutines(); err != nil {
		return err
	}
	got.Goroutines, err = s.entrypoint.goroutines()
	return err
}

// soak, the last that is done with a server, opens a session every soakPause for so long. What a session takes is
// counted from when it is due, so that a stop of the server shows in all that
// had to wait for it.
func (s *servers) soak(ctx context.Context, length time.Duration) (*soaked, error) {
	n := max(int(length/soakPause)/10, 1) * 10
	s.say("soaking: %d sessions in %v", n, length)
	got := &soaked{Length: length, States: []state{stateOf(s.perch.pids())}}
	tick := time.NewTicker(soakPause)
	defer tick.Stop()
	var mu sync.Mutex
	var running sync.WaitGroup
	defer running.Wait()
	room := make(chan struct{}, soakTogether)
	for i := range n {
		due := time.Now()
		room <- struct{}{}
		running.Go(func() {
			defer func() { <-room }()
			_, err := s.perch.output(ctx, "true")
			took := time.Since(due)
			var alone time.Duration
			if i%clientEach == 0 && err == nil {
				start := time.Now()
				if _, err := s.perch.with("-G").output(ctx, "true"); err == nil {
					alone = time.Since(start)
				}
			}
			mu.Lock()
			defer mu.Unlock()
			got.add(took, alone, err)
		})
		if (i+1)%(n/10) == 0 {
			running.Wait() // what is open is no growth
			got.States = append(got.States, stateOf(s.perch.pids()))
			s.say("%d sessions: %+v", i+1, got.States[len(got.States)-1])
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return nil, fmt.Errorf("soaking: %w", ctx.Err())
		}
	}
	running.Wait()
	return got, s.countGoroutines(ctx, got)
}

// add notes a session and, where it is not 0, the client alone after it.
func (s *soaked) add(took, alone time.Duration, err error) {
	if err != nil {
		s.Failed = append(s.Failed, err.Error())
		return
	}
	s.Took = append(s.Took, took.Seconds())
	if alone > 0 {
		s.Alone = append(s.Alone, alone.Seconds())
	}
}
