// Package smoke tries an image the way a batch system and a user's first hour
// would use it: it runs the image's perch-entrypoint under runc, as a user
// without rights and without a passwd entry, with a read-only root, a scratch
// directory as home and a small /tmp, opens sessions in it with the stock ssh,
// works in them, looks at the image's files, and has the job end.
package smoke

import (
	"context"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"perch/ci/internal/buildah"
	"perch/ci/internal/publish"
	"perch/ci/internal/report"
	"perch/ci/internal/steps"
	"perch/ci/internal/tool"
)

// limit is how long all of it may take, unpacking aside.
const limit = 15 * time.Minute

// Request is what to try.
type Request struct {
	// Image is an unpacked image, an OCI archive or, for Apptainer, a SIF.
	Image string
	// Archive is the OCI archive of an unpacked image, which tells more than
	// its files do, or "".
	Archive string
	// Place is the name of one of Places.
	Place string
	// Environment names the one in the folder Images whose promises are
	// tried, or is "".
	Environment, Images string
	// IDEServer is an archive of a VS Code server, or "".
	IDEServer string
	// Cache is a directory for unpacking an archive.
	Cache string
	// Self is this program, which serves ssh as its ProxyCommand by the
	// command "connect".
	Self string
	// Steps tells the user what goes on.
	Steps *steps.Steps
}

// Run tries an image. The error means that it could not be tried. One that ctx or
// the time limit cuts off is none: the last row says so, and does not pass.
func Run(ctx context.Context, r Request) (report.Image, error) {
	found := report.Image{Image: r.Image, Environment: r.Environment, Place: r.Place, At: time.Now()}
	if r.Environment != "" {
		found.Image = r.Environment + sifOf(r.Image)
	}
	expect, err := Expect(r.Images, r.Environment, Names())
	if err != nil {
		return found, err
	}
	if _, err := os.Stat(r.Image); err != nil {
		return found, fmt.Errorf("looking for the image: %w", err)
	}
	if err := tool.Need("ssh", "sftp", "git"); err != nil {
		return found, err
	}
	p, ok := Places[r.Place]
	if !ok {
		return found, fmt.Errorf("there is no place %q; there is: %s", r.Place, strings.Join(slices.Sorted(maps.Keys(Places)), ", "))
	}
	if err := p.check(ctx); err != nil {
		return found, err
	}
	defer r.Steps.End()
	image, archive, remove, err := r.image(ctx)
	if err != nil {
		return found, err
	}
	defer remove()
	ctx, cancel := context.WithTimeoutCause(ctx, limit, fmt.Errorf("all of it took longer than %v", limit))
	defer cancel()
	j, err := start(ctx, p, image, r.Self)
	if err != nil {
		return found, fmt.Errorf("starting the image: %w", err)
	}
	defer j.close()
	j.expect, j.ideServer, j.archive = expect, r.IDEServer, archive
	r.Steps.Begin("", "trying %s in %s", found.Image, r.Place)
	found.Results = runChecks(ctx, j, func(check string) {
		r.Steps.At("trying %s in %s: %s", found.Image, r.Place, check)
	})
	r.Steps.End()
	if !found.Passed() {
		r.Steps.Line("the job's output was:")
		for line := range strings.Lines(j.output()) {
			r.Steps.Line("  %s", line)
		}
	}
	return found, nil
}

// sifOf is what tells a SIF from another form of the same image.
func sifOf(image string) string {
	if strings.HasSuffix(image, ".sif") {
		return ".sif"
	}
	return ""
}

// image returns what the place runs, the archive of the same image, or "", and what
// removes the former where it was unpacked for this.
func (r Request) image(ctx context.Context) (tree, archive string, remove func(), err error) {
	image, err := filepath.Abs(r.Image)
	if err != nil {
		return "", "", nil, err
	}
	if info, err := os.Stat(image); err != nil || info.IsDir() || sifOf(image) != "" {
		return image, r.Archive, func() {}, err
	}
	if err := os.MkdirAll(r.Cache, 0o755); err != nil {
		return "", "", nil, err
	}
	dir, err := os.MkdirTemp(r.Cache, "smoke-")
	if err != nil {
		return "", "", nil, err
	}
	remove = func() { _ = publish.RemoveTree(dir) }
	r.Steps.Begin("", "unpacking %s", image)
	if err := r.unpack(ctx, image, filepath.Join(dir, "tree")); err != nil {
		remove()
		if errors.Is(err, syscall.ENOSPC) {
			return "", "", nil, fmt.Errorf("unpacking %s: %w; make room where %s and /var/tmp are", image, err, r.Cache)
		}
		return "", "", nil, fmt.Errorf("unpacking %s, which should be a directory or an OCI archive: %w", image, err)
	}
	return filepath.Join(dir, "tree"), image, remove, nil
}

func (r Request) unpack(ctx context.Context, archive, dir string) error {
	b, err := buildah.Open(ctx, r.Cache, io.Discard)
	if err != nil {
		return err
	}
	return b.UnpackArchive(ctx, archive, dir)
}

// check is one thing to try. Its detail stands in the report if it is as it
// should be.
type check struct {
	name string
	try  func(ctx context.Context, j *job) (detail string, err error)
	// files says that it looks at the image's files, which have to be
	// unpacked.
	files bool
}

// Names are the checks in their order.
func Names() []string {
	names := make([]string, len(checks))
	for i, c := range checks {
		names[i] = c.name
	}
	return names
}

// runChecks tries everything in order. Where the first, without which nothing
// works, does not pass, there are no others, nor after the one during which ctx
// ended. at is called with each one's name.
func runChecks(ctx context.Context, j *job, at func(string)) []report.Result {
	var results []report.Result
	for i, c := range checks {
		if c.files && j.tree == "" {
			continue
		}
		at(c.name)
		start := time.Now()
		detail, err := c.try(ctx, j)
		cut := err != nil && ctx.Err() != nil
		r := judge(c.name, detail, err, j.expect.Limits[c.name])
		if cut {
			// No known limit, whatever the check has made of it.
			r.Status, r.Detail = report.Fail, fmt.Sprintf("cut off, as are the checks after it: %v", context.Cause(ctx))
		}
		r.Seconds = time.Since(start).Seconds()
		results = append(results, r)
		if cut || i == 0 && r.Status == report.Fail {
			break
		}
	}
	return results
}
