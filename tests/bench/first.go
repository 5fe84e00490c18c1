package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"time"
)

var firstBounds = bounds{total: 400 * time.Second, each: 150 * time.Second}

// probePause is that of the tries that find out when HTCondor lets anybody in.
const probePause = 200 * time.Millisecond

// first measures, each time with a new job, how long after "job executing" in
// its user log somebody who waits gets the first byte.
func (p place) first(ctx context.Context) ([]Table, error) {
	p.say("measuring from \"job executing\" on, %d jobs each way", p.Jobs)
	b := firstBounds
	b.rounds = p.Jobs
	t, err := inTurns(ctx, tableFirst, b, []measure{
		{byPerch, p.firstByPerch},
		{eachSecond, func(ctx context.Context) (sample, error) {
			return p.firstByCondor(ctx, time.Second, func(_, got time.Time) time.Time { return got })
		}},
		{letsAnyoneIn, func(ctx context.Context) (sample, error) {
			return p.firstByCondor(ctx, probePause, func(began, _ time.Time) time.Time { return began })
		}},
	})
	return []Table{t}, err
}

// firstByPerch has one perch-ssh submit the job and wait for it.
func (p place) firstByPerch(ctx context.Context) (sample, error) {
	jdl, err := p.jdl("first", p.container()...)
	if err != nil {
		return sample{}, err
	}
	w := way{name: byPerch, argv: []string{p.program("perch-ssh"), "JDL:" + jdl}}
	got, err := firstByte(w.command(ctx, "echo inside"))
	if err != nil {
		return sample{}, err
	}
	log, err := onlyOne(filepath.Join(p.home, ".local/state/perch/jobs/first-*/user.log"))
	if err != nil {
		return sample{}, err
	}
	took, err := since(log, got)
	return took, errors.Join(err, p.stop(ctx, w))
}

// firstByCondor submits a job and tries to enter it, once every pause, or as
// fast as tries take. count says which moment of the first try that succeeds is
// meant.
func (p place) firstByCondor(ctx context.Context, pause time.Duration, count func(began, got time.Time) time.Time) (sample, error) {
	log := filepath.Join(p.home, "condor.log")
	jdl, err := p.jdl("condor", append(p.container(), "transfer_container = False", "should_transfer_files = YES",
		"executable = /bin/sleep", "transfer_executable = False", "arguments = 600", "log = "+log)...)
	if err != nil {
		return sample{}, err
	}
	submit := way{name: "condor_submit", argv: []string{"condor_submit", "-terse"}}
	out, err := submit.output(ctx, jdl)
	if err != nil {
		return sample{}, err
	}
	id, _, _ := strings.Cut(out, " ")
	began, got, err := tryToEnter(ctx, id, pause)
	if err != nil {
		return sample{}, err
	}
	took, err := since(log, count(began, got))
	remove := way{name: "condor_rm", argv: []string{"condor_rm"}}
	_, rmErr := remove.output(ctx, id)
	return took, errors.Join(err, rmErr)
}

// tryToEnter returns when the first try that succeeded began, and when its
// first byte came.
func tryToEnter(ctx context.Context, id string, pause time.Duration) (began, got time.Time, err error) {
	for ctx.Err() == nil {
		next := time.After(pause)
		began = time.Now()
		if got, err = firstByte(exec.CommandContext(ctx, "condor_ssh_to_job", id, "echo", "inside")); err == nil {
			return began, got, nil
		}
		select {
		case <-next:
		case <-ctx.Done():
		}
	}
	return began, got, err
}

// firstByte runs a command that prints "inside" and says when that came.
func firstByte(cmd *exec.Cmd) (time.Time, error) {
	var stderr strings.Builder
	cmd.Stderr = &stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return time.Time{}, err
	}
	if err := cmd.Start(); err != nil {
		return time.Time{}, err
	}
	buf := make([]byte, 64)
	n, _ := out.Read(buf) // the end is an error, too, which Wait explains
	got := time.Now()
	_, _ = io.Copy(io.Discard, out)
	err = cmd.Wait()
	if !strings.HasPrefix("inside\n", string(buf[:n])) || n == 0 {
		err = errors.Join(fmt.Errorf("%s says %q", cmd.Args[0], buf[:n]), err, errors.New(stderr.String()))
	}
	return got, err
}

// executing is event 001 with the time that the pool is configured to write.
var executing = regexp.MustCompile(`(?m)^001 \(\S+ (\S+ \S+\.\d+) Job executing`)

// since says how long after the last "job executing" of a user log it was then.
func since(log string, then time.Time) (sample, error) {
	text, err := os.ReadFile(log)
	if err != nil {
		return sample{}, err
	}
	all := executing.FindAllSubmatch(text, -1)
	if len(all) == 0 {
		return sample{}, fmt.Errorf("%s has no event 001 with parts of a second:\n%s", log, text)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", string(all[len(all)-1][1]), time.Local)
	return sample{took: then.Sub(at).Seconds()}, err
}
