// Package build makes an environment's image: an OCI archive, a directory that
// HTCondor, Apptainer and runc can use as a container's root, and, where
// Apptainer is installed, a SIF file.
package build

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/google/renameio/v2"

	"perch/ci/internal/apptainer"
	"perch/ci/internal/base"
	"perch/ci/internal/entrylayer"
	"perch/ci/internal/environment"
	"perch/ci/internal/publish"
	"perch/ci/internal/steps"
)

// Request is what to build and where.
type Request struct {
	// Name is the environment, a folder in Images.
	Name, Images string
	// Builder is the program that builds, one of Programs, or "" for the first
	// of them that is there.
	Builder string
	// Base names the base image; "" is the environment's default, and
	// base.Mmdebstrap one made here.
	Base string
	// Out is the directory for what is made, Cache that for what helps.
	Out, Cache string
	// Entrypoint is the static perch-entrypoint that goes into the image.
	Entrypoint string
	// Fresh uses nothing of earlier builds.
	Fresh bool
	// Steps tells the user what goes on.
	Steps *steps.Steps
}

// builder is a build under way.
type builder struct {
	Request
	env     environment.Environment
	program program
	log     *os.File
}

// Run builds an image. Until all of it is there, nothing of it appears under
// its final name, and what an earlier build made stays. An image that has not
// changed is not made again. Only one build of an environment runs at a time:
// another waits. The error is one line and names the log.
func Run(ctx context.Context, r Request) (Made, error) {
	env, err := environment.Find(r.Images, r.Name)
	if err != nil {
		return Made{}, err
	}
	if err := entrylayer.Need(r.Entrypoint); err != nil {
		return Made{}, err
	}
	if r.Builder, err = choose(r.Builder); err != nil {
		return Made{}, err
	}
	for _, dir := range []string{r.Out, r.Cache} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return Made{}, err
		}
	}
	lock, err := r.lock(ctx)
	if err != nil {
		return Made{}, err
	}
	defer lock.Unlock()
	log, err := os.Create(filepath.Join(r.Cache, r.Name+".log"))
	if err != nil {
		return Made{}, err
	}
	defer log.Close()
	b := &builder{Request: r, env: env, log: log}
	made, err := b.run(ctx)
	r.Steps.End()
	if err != nil && ctx.Err() == nil {
		err = fmt.Errorf("building %s: %w (log: %s)", r.Name, r.explain(err), log.Name())
	}
	return made, err
}

// explain says what to do about a full disk.
func (r Request) explain(err error) error {
	if errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("%w; make room where %s, %s and %s are", err, r.Out, r.Cache, largeTmp)
	}
	return err
}

// smokeFile says what is expected of an image. It is no part of what the image is
// made of.
const smokeFile = "smoke.yaml"

// largeTmp is where buildah and podman put large temporary files (buildah(1), TMPDIR).
const largeTmp = "/var/tmp"

func (b *builder) run(ctx context.Context) (Made, error) {
	var err error
	if b.program, err = open(ctx, b.Builder, b.Cache, b.log); err != nil {
		return Made{}, err
	}
	image, err := b.image(ctx)
	if err != nil {
		return Made{}, err
	}
	id, err := image.id(b.Entrypoint)
	if err != nil {
		return Made{}, err
	}
	b.Steps.End()
	made := b.names()
	if !b.isCurrent(made, id) {
		writing, err := lockOut(ctx, b.Out, b.Steps)
		if err != nil {
			return Made{}, err
		}
		defer writing.Unlock()
	}
	if b.isCurrent(made, id) { // perhaps by now
		b.Steps.Line("%s has not changed", b.Name)
		return made, nil
	}
	return made, b.export(ctx, made, image, id)
}

// tag is the image's name where the program keeps it.
func (b *builder) tag() string { return "localhost/perch/" + b.Name + ":latest" }

// image builds the image, but for the entrypoint.
func (b *builder) image(ctx context.Context) (built, error) {
	maker := base.Maker{Storage: b.program, Log: b.log, Steps: b.Steps, Cache: b.Cache, Fresh: b.Fresh}
	baseImage, err := maker.Get(ctx, b.Base, b.env.Base, b.env.Suite)
	if err != nil {
		return built{}, err
	}
	dir, err := b.contextDir()
	if err != nil {
		return built{}, err
	}
	defer os.RemoveAll(dir)
	shell, err := lookAtBase(ctx, baseImage)
	if err != nil {
		return built{}, err
	}
	env, err := base.Environment(ctx, baseImage)
	if err != nil {
		return built{}, err
	}
	before, _ := b.program.ID(ctx, b.tag())
	b.Steps.Begin("", "building %s from %s", b.Name, baseImage)
	id, err := b.program.Build(ctx, dir, baseImage, b.tag(), b.Fresh, env, func(step string) {
		b.Steps.At("building %s, step %s", b.Name, step)
	})
	if err != nil && !shell && ctx.Err() == nil {
		return built{}, fmt.Errorf("%w; the base has no shell, take another", err)
	}
	if err != nil {
		return built{}, err
	}
	if before != "" && before != id {
		b.program.Forget(ctx, before)
	}
	digest, err := b.program.Digest(ctx, baseImage)
	if err != nil {
		return built{}, err
	}
	from := origin(ctx, b.Images)
	return built{image: id, created: from.created, about: map[string]string{
		entrylayer.Title:       "Perch " + b.env.Title,
		entrylayer.Environment: b.Name,
		entrylayer.Created:     from.created.Format(time.RFC3339),
		entrylayer.Source:      from.source,
		entrylayer.Revision:    from.revision,
		entrylayer.BaseName:    baseName(baseImage),
		entrylayer.BaseDigest:  digest,
	}}, nil
}

// contextDir makes the directory that is built in: the environment's own
// files and the shared ones, without what says how to try an image.
func (b *builder) contextDir() (dir string, err error) {
	if dir, err = os.MkdirTemp(b.Cache, "context-"); err != nil {
		return "", err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	if err = os.CopyFS(dir, os.DirFS(b.env.Dir)); err != nil {
		return "", err
	}
	if err = os.CopyFS(filepath.Join(dir, environment.Shared), os.DirFS(filepath.Join(b.Images, environment.Shared))); err != nil {
		return "", err
	}
	for _, file := range []string{smokeFile, filepath.Join(environment.Shared, smokeFile)} {
		if err = os.Remove(filepath.Join(dir, file)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return dir, nil
}

// idFile notes the image of which the files in Out were made. It is removed
// before the first and written after the last of them is put in place.
func (b *builder) idFile() string { return filepath.Join(b.Out, "."+b.Name+".id") }

// isCurrent says whether the files are there already and are those of image id.
func (b *builder) isCurrent(made Made, id string) bool {
	noted, err := os.ReadFile(b.idFile())
	if err != nil || string(noted) != id {
		return false
	}
	for _, path := range made.paths() {
		if _, err := os.Stat(path); err != nil {
			return false
		}
	}
	return true
}

// export makes the files beside their places, and then puts them there.
func (b *builder) export(ctx context.Context, made Made, image built, id string) (err error) {
	if err := b.sweep(); err != nil {
		return err
	}
	dir, err := os.MkdirTemp(b.Out, b.partPrefix())
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, publish.RemoveTree(dir)) }()
	part := func(path string) string { return filepath.Join(dir, filepath.Base(path)) }
	if err := b.makeFiles(ctx, made, image, part); err != nil {
		return err
	}
	if err := os.Remove(b.idFile()); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := b.dropSIF(made); err != nil {
		return err
	}
	for _, path := range made.paths() {
		if err := publish.Replace(part(path), path); err != nil {
			return err
		}
	}
	return renameio.WriteFile(b.idFile(), []byte(id), 0o644)
}

func (b *builder) makeFiles(ctx context.Context, made Made, image built, part func(string) string) error {
	archive := part(made.Archive)
	b.Steps.Begin(archive, "writing %s", made.Archive)
	if err := b.archive(ctx, archive, image); err != nil {
		return err
	}
	if err := b.describe(ctx, archive, image, part(made.Packages), part(made.SBOM)); err != nil {
		return err
	}
	b.Steps.Begin("", "unpacking it into %s", made.Tree)
	if made.SIF == "" {
		return b.tree(ctx, part(made.Tree), image)
	}
	if err := apptainer.Sandbox(ctx, b.log, part(made.Tree), "oci-archive://"+archive); err != nil {
		return err
	}
	b.Steps.Begin(part(made.SIF), "writing %s", made.SIF)
	return apptainer.SIF(ctx, b.log, part(made.SIF), "oci-archive://"+archive)
}

func (b *builder) partPrefix() string { return "." + b.Name + ".part-" }

// sweep removes what builds that were killed have left.
func (b *builder) sweep() error {
	left, err := filepath.Glob(filepath.Join(b.Out, b.partPrefix()+"*"))
	for _, dir := range left {
		err = errors.Join(err, publish.RemoveTree(dir))
	}
	return err
}
