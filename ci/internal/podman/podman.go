// Package podman drives podman and docker, of which it needs what both have
// alike. Images lie where the program itself keeps them.
package podman

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"perch/ci/internal/steps"
	"perch/ci/internal/tool"
)

// Podman is one of the programs, and where to log what it does.
type Podman struct {
	program string
	env     []string
	log     io.Writer
}

// Open returns the program, podman or docker, if it works: docker's daemon may
// not be there.
func Open(ctx context.Context, program string, log io.Writer) (*Podman, error) {
	if err := tool.Need(program); err != nil {
		return nil, err
	}
	p := &Podman{program: program, log: log}
	_, err := p.run(ctx, "version")
	return p, err
}

// Build builds the Containerfile in the directory dir, with dir as context, and
// names the image tag. It returns the image's id. fresh uses no earlier layer. env
// has proxies, which both keep out of the image. at is called with each step that
// begins.
func (p *Podman) Build(ctx context.Context, dir, base, tag string, fresh bool, env []string, at func(string)) (string, error) {
	args := []string{"build", "--network", "host", "--force-rm", fmt.Sprintf("--no-cache=%v", fresh), "--pull=false",
		"--build-arg", "BASE=" + base, "--tag", tag, "--file", filepath.Join(dir, "Containerfile")}
	if p.program == "podman" {
		args = append(args, "--timestamp", "0")
	} else {
		// podman hands them on by itself, docker must be told their names.
		for _, variable := range env {
			name, _, _ := strings.Cut(variable, "=")
			args = append(args, "--build-arg", name)
		}
	}
	watched := &Podman{p.program, env, io.MultiWriter(p.log, &steps.Writer{At: at})}
	if _, err := watched.run(ctx, append(args, dir)...); err != nil {
		return "", err
	}
	return p.ID(ctx, tag)
}

// ID returns the id of an image that is here; it is an error if there is none of
// that name.
func (p *Podman) ID(ctx context.Context, image string) (string, error) {
	id, err := p.run(ctx, "image", "inspect", "--format", "{{.Id}}", image)
	return strings.TrimPrefix(id, "sha256:"), err
}

// Pull gets an image from its registry, again even if it is here. What the program
// says goes to watch as well.
func (p *Podman) Pull(ctx context.Context, image string, watch io.Writer) error {
	watched := &Podman{program: p.program, log: io.MultiWriter(p.log, watch)}
	_, err := watched.run(ctx, "pull", "--quiet", image)
	return err
}

// Save writes an image into a new file, an archive of docker save.
func (p *Podman) Save(ctx context.Context, image, file string) error {
	_, err := p.run(ctx, "save", "--output", file, image)
	return err
}

// Digest returns the digest of the manifest of an image that is here, or "" of
// one that never had any.
func (p *Podman) Digest(ctx context.Context, image string) (string, error) {
	if _, err := p.ID(ctx, image); err != nil {
		return "", nil
	}
	names, err := p.run(ctx, "image", "inspect", "--format", `{{range .RepoDigests}}{{println .}}{{end}}`, image)
	first, _, _ := strings.Cut(names, "\n")
	_, digest, _ := strings.Cut(first, "@")
	return digest, err
}

// Import makes an image of one layer, named tag, from a tar file of a root file
// system.
func (p *Podman) Import(ctx context.Context, tarFile, tag string) error {
	_, err := p.run(ctx, "import", "--change", "CMD /bin/bash", tarFile, tag)
	return err
}

// Forget removes an image that nobody has given a name.
func (p *Podman) Forget(ctx context.Context, image string) {
	names, err := p.run(ctx, "image", "inspect", "--format", "{{len .RepoTags}}", image)
	if err == nil && names == "0" {
		p.discard(ctx, "rmi", image)
	}
}

// Unpack writes the root of an image into dir, which it makes. The container
// that this takes is never started.
func (p *Podman) Unpack(ctx context.Context, image, dir string) error {
	c, err := p.run(ctx, "create", image, "none")
	if err != nil {
		return err
	}
	defer p.discard(ctx, "rm", c)
	root := dir + ".root"
	defer os.Remove(root)
	if _, err := p.run(ctx, "export", "--output", root, c); err != nil {
		return err
	}
	if err := os.Mkdir(dir, 0o755); err != nil {
		return err
	}
	_, err = tool.Run(ctx, p.log, "tar", "--extract", "--preserve-permissions", "--numeric-owner", "--file", root, "--directory", dir)
	return err
}

// discard runs a command that tidies up, also when ctx has ended. What it could
// not do stands in the log.
func (p *Podman) discard(ctx context.Context, command ...string) {
	_, _ = p.run(context.WithoutCancel(ctx), command...)
}

func (p *Podman) run(ctx context.Context, command ...string) (string, error) {
	out, err := tool.RunIn(ctx, p.env, p.log, p.program, command...)
	return strings.TrimSpace(out), err
}
