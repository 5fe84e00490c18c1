package smoke

import (
	"context"
	"os"
)

// anyone is the uid of a job of which only the batch system knows whose it is.
const anyone = -1

// job is an image's entrypoint that runs in some place.
type job struct {
	// dir holds everything of this job. scratch is its scratch directory, tree
	// the unpacked image; each is "" where not all of it can be seen.
	dir, scratch, tree string
	uid, gid           int
	client             client
	// ready waits until the job can be entered, stop until it has ended by
	// itself. Each returns what is worth telling.
	ready, stop func(ctx context.Context) (string, error)
	// output is what the job, or what runs it, has said last.
	output func() string
	// kill ends what is left of it at once.
	kill func()
	// expect is what the image is expected to be like, ideServer an archive
	// of a VS Code server, or "", archive the image's own, or "".
	expect             Expectation
	ideServer, archive string
}

// start starts a job with an image in a place. self is the program that ssh may
// call to be connected.
func start(ctx context.Context, p place, image, self string) (j *job, err error) {
	dir, err := os.MkdirTemp("", "perch-smoke-")
	if err != nil {
		return nil, err
	}
	j = &job{dir: dir, uid: anyone, client: client{dir: dir}}
	if err := p.start(ctx, j, image, self); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return j, nil
}

// close ends the job, if it still runs, and removes what there is of it.
func (j *job) close() {
	j.kill()
	_ = os.RemoveAll(j.dir)
}
