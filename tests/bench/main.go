// Command bench measures Perch beside HTCondor's own way into a job, OpenSSH's
// client and OpenSSH's server, in one pool that it boots, and its images, and
// writes docs/measured.md; or soaks the server, and writes docs/soak.md.
//
//	this machine (root)            the pool (alice)
//	───────────────────            ────────────────
//	bench: servers, images
//	       builds, boots  ──────▶  bench inside sessions: warm, rates
//	       drop-in off/on ──────▶  bench inside first: from "job executing" on
//	page   ◀── tables as JSON ───  bench connect: hands a socket to stock ssh
//
// All that is compared is measured in turns, in rounds, so that what else the
// machine does hits all alike. Run it on a quiet machine; "make bench" does.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"syscall"
	"time"
)

// runLimit is for everything, about twice what it takes.
const runLimit = 100 * time.Minute

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	os.Exit(Run(ctx, os.Args[1:], os.Stdout, os.Stderr))
}

// Run runs the command that args name and returns the exit status: 0, 1 for a
// failure, 64 for a command line that is not understood.
func Run(ctx context.Context, args []string, stdout *os.File, stderr io.Writer) int {
	err := dispatch(ctx, args, stdout, stderr)
	switch {
	case err == nil, errors.Is(err, flag.ErrHelp):
		return 0
	case errors.Is(err, errUsage):
		fmt.Fprintln(stderr, "bench:", err)
		return 64
	}
	fmt.Fprintln(stderr, "bench:", err)
	return 1
}

var errUsage = errors.New("usage")

func dispatch(ctx context.Context, args []string, stdout *os.File, stderr io.Writer) error {
	if len(args) == 2 && args[0] == connectWord {
		return connect(args[1], stdout)
	}
	if len(args) > 1 && args[0] == insideWord {
		p, rest, err := parse(args[2:], stderr)
		if err != nil || len(rest) > 0 {
			return errors.Join(errUsage, err)
		}
		return inside(ctx, args[1], p, stdout, stderr)
	}
	p, rest, err := parse(args, stderr)
	if err != nil || len(rest) > 0 {
		return errors.Join(errUsage, err)
	}
	ctx, cancel := context.WithTimeout(ctx, runLimit+p.Soak)
	defer cancel()
	if p.Only != "" {
		return only(ctx, p, stdout, stderr)
	}
	return outside(ctx, p, stderr)
}

// plan says how much is measured.
type plan struct {
	// Rounds is how often a session is opened each way.
	Rounds int
	// Transfers is how often Size MiB go each way, in both directions.
	Transfers, Size int
	// Jobs is how many jobs are started for each way of entering them.
	Jobs int
	// Soak is how long sessions are opened at a steady pace; 0: not at all.
	Soak time.Duration
	// Only is the one part that is measured: onlyServer, onlyImages, onlySoak
	// or "", all.
	Only string
	// Image is the image's path in the pool; Page the file to write, or "".
	Image, Page string
}

func parse(args []string, stderr io.Writer) (p plan, rest []string, err error) {
	flags := flag.NewFlagSet("bench", flag.ContinueOnError)
	flags.SetOutput(stderr)
	flags.IntVar(&p.Rounds, "rounds", 40, "sessions to open each way")
	flags.IntVar(&p.Transfers, "transfers", 7, "transfers each way")
	flags.IntVar(&p.Size, "size", 1024, "MiB of a transfer")
	flags.IntVar(&p.Jobs, "jobs", 9, "jobs to enter each way")
	flags.StringVar(&p.Only, "only", "", "measure one part, without a pool: "+onlyServer+" or "+onlyImages+", which is printed, or "+onlySoak)
	flags.DurationVar(&p.Soak, "soak", 0, "open ten sessions a second for so long, to see whether anything grows")
	flags.StringVar(&p.Image, "image", "", "image in the pool, for bench itself")
	flags.StringVar(&p.Page, "o", "", "page to write, from the repository's root; by default "+measuredPage+" or "+soakPage)
	if err := flags.Parse(args); err != nil {
		return p, nil, err
	}
	if p.Rounds < 1 || p.Transfers < 1 || p.Size < 1 || p.Jobs < 1 {
		return p, nil, errors.New("each number has to be at least 1")
	}
	if p.Only == onlySoak && p.Soak == 0 {
		p.Soak = 30 * time.Minute
	}
	return p, flags.Args(), nil
}

// args is what parse reads, for bench in the pool.
func (p plan) args() []string {
	return []string{"-rounds", strconv.Itoa(p.Rounds), "-transfers", strconv.Itoa(p.Transfers),
		"-size", strconv.Itoa(p.Size), "-jobs", strconv.Itoa(p.Jobs), "-image", p.Image}
}
