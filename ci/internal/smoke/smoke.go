// Package smoke tries an image the way a batch system would use it: it runs the
// image's perch-entrypoint under runc, as a user without rights and without a
// passwd entry, with a read-only root, a scratch directory as home and a small
// /tmp, opens sessions in it with the stock ssh, and has it end.
package smoke

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"text/tabwriter"
	"time"

	"perch/ci/internal/buildah"
	"perch/ci/internal/publish"
	"perch/ci/internal/tool"
	"perch/shim/bundle"
)

// limit is how long all of it may take, unpacking aside.
const limit = 5 * time.Minute

// Request is what to try.
type Request struct {
	// Image is an unpacked image, or an OCI archive.
	Image string
	// Cache is a directory for unpacking an archive.
	Cache string
	// Self is this program, which serves ssh as its ProxyCommand by the
	// command "connect".
	Self string
	// Say tells the user what goes on.
	Say func(format string, args ...any)
}

// ErrFailed says that an image did not pass. The table says why.
var ErrFailed = errors.New("the image does not hold what it promises, see the table")

// Run tries an image and writes a table to w, one row for each thing that was
// tried. ErrFailed is the error of an image that did not pass, any other means
// that it could not be tried.
func Run(ctx context.Context, r Request, w io.Writer) error {
	if _, err := os.Stat(r.Image); err != nil {
		return fmt.Errorf("looking for the image: %w", err)
	}
	if err := tool.Need("ssh", "sftp"); err != nil {
		return err
	}
	if err := bundle.Works(ctx); err != nil {
		return err
	}
	tree, remove, err := r.tree(ctx)
	if err != nil {
		return err
	}
	defer remove()
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	j, err := start(ctx, tree, r.Self)
	if err != nil {
		return fmt.Errorf("starting the image: %w", err)
	}
	defer j.close()
	if runChecks(ctx, j, w) {
		return nil
	}
	r.Say("the job's output was:\n%s", j.outputTail())
	return ErrFailed
}

// tree returns the unpacked image, and what removes it where it was unpacked
// for this.
func (r Request) tree(ctx context.Context) (tree string, remove func(), err error) {
	image, err := filepath.Abs(r.Image)
	if err != nil {
		return "", nil, err
	}
	if info, err := os.Stat(image); err != nil || info.IsDir() {
		return image, func() {}, err
	}
	if err := os.MkdirAll(r.Cache, 0o755); err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp(r.Cache, "smoke-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = publish.RemoveTree(dir) }
	r.Say("unpacking %s", image)
	if err := r.unpack(ctx, image, filepath.Join(dir, "tree")); err != nil {
		remove()
		return "", nil, fmt.Errorf("unpacking %s, which should be a directory or an OCI archive: %w", image, err)
	}
	return filepath.Join(dir, "tree"), remove, nil
}

func (r Request) unpack(ctx context.Context, archive, dir string) error {
	b, err := buildah.Open(ctx, r.Cache, io.Discard)
	if err != nil {
		return err
	}
	return b.UnpackArchive(ctx, archive, dir)
}

// check is one thing to try. Its detail stands in the table if it is as it
// should be.
type check struct {
	name string
	try  func(ctx context.Context, j *job) (detail string, err error)
}

// runChecks tries everything in order and says whether all of it passed. Where
// the first, without which nothing works, does not, there are no others.
func runChecks(ctx context.Context, j *job, w io.Writer) bool {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	defer table.Flush()
	passed := true
	for i, c := range checks {
		detail, err := c.try(ctx, j)
		if err != nil {
			passed = false
			fmt.Fprintf(table, "FAIL\t%s\t%v\n", c.name, err)
		} else {
			fmt.Fprintf(table, "ok\t%s\t%s\n", c.name, detail)
		}
		if i == 0 && !passed {
			break
		}
	}
	return passed
}
