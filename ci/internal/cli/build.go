package cli

import (
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"perch/ci/internal/build"
	"perch/ci/internal/steps"
)

func buildCommand() *cobra.Command {
	r := build.Request{Cache: cacheDir("ci")}
	c := &cobra.Command{
		Use:   "build ENVIRONMENT...",
		Short: "Build environments' images",
		Long: `Build environments' images with buildah, podman or docker: an OCI archive and
an unpacked directory that runc can use; with Apptainer on PATH, the directory is
one that HTCondor takes (a sandbox), and a SIF is made too; the list of packages,
and an SPDX document of them. Their paths are printed. What has not changed since
the last time is not built again.`,
		Args: someArgs("an environment"),
		RunE: func(c *cobra.Command, args []string) error {
			r.Steps = steps.New(c.ErrOrStderr())
			if err := makeAbsolute(&r.Images, &r.Out, &r.Entrypoint); err != nil {
				return err
			}
			for _, r.Name = range args {
				made, err := build.Run(c.Context(), r)
				if err != nil {
					return err
				}
				fmt.Fprintln(c.OutOrStdout(), made)
			}
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&r.Builder, "builder", "", "program that builds: buildah, podman or docker (default: the first of them on PATH)")
	f.StringVar(&r.Base, "base", "", `base image, as the builder names them, or "mmdebstrap" (default: the Containerfile's; mmdebstrap where no registry can be reached)`)
	f.StringVarP(&r.Out, "output", "o", cacheDir("images"), "directory for what is made")
	f.StringVar(&r.Images, "images", imagesDir(), "directory of the environments")
	f.StringVar(&r.Entrypoint, "entrypoint", beside("perch-entrypoint"), "static perch-entrypoint to put into the image")
	f.BoolVar(&r.Fresh, "fresh", false, "use nothing of earlier builds, get or make the base anew")
	return c
}

// imagesDir is the repository's folder, as seen from bin/ or from its top.
func imagesDir() string {
	if dir := beside("../images"); isDir(dir) {
		return filepath.Clean(dir)
	}
	return "images"
}

func isDir(path string) bool {
	info, err := os.Stat(path)
	return err == nil && info.IsDir()
}

func makeAbsolute(paths ...*string) error {
	for _, p := range paths {
		abs, err := filepath.Abs(*p)
		if err != nil {
			return err
		}
		*p = abs
	}
	return nil
}
