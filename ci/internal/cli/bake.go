package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"perch/ci/internal/bake"
	"perch/ci/internal/steps"
)

func bakeCommand() *cobra.Command {
	var r bake.Request
	c := &cobra.Command{
		Use:   "bake --base IMAGE -o FILE",
		Short: "Make an environment of any image",
		Long: `Make a Perch environment of an image that there is already: an OCI archive or
layout, an archive of docker save, or what a registry has. The entrypoint is
added as the last layer, and the image is labelled; nothing of it is run or
unpacked, and no rights are needed. A SIF or an unpacked image of Apptainer's is
unpacked by Apptainer, and becomes one or the other again. What sessions or an
IDE would miss in it is said on stderr; without a shell it is refused. What was
made is printed.`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			r.Steps = steps.New(c.ErrOrStderr())
			if r.Base == "" || r.Out == "" {
				return usageError{fmt.Errorf("both --base and --output are wanted")}
			}
			if err := makeAbsolute(&r.Out, &r.Entrypoint); err != nil {
				return err
			}
			found, err := bake.Run(c.Context(), r)
			if err != nil {
				return err
			}
			r.Steps.Line("%s is %s", r.Base, describe(found.System, found.Libc))
			for _, lack := range found.Lacks {
				r.Steps.Line("%s", lack)
			}
			fmt.Fprintln(c.OutOrStdout(), r.Out)
			return nil
		},
	}
	f := c.Flags()
	f.StringVar(&r.Base, "base", "", "image to start from")
	f.StringVarP(&r.Out, "output", "o", "", "file for the OCI archive, or the SIF (.sif) or directory, that is made")
	f.StringVar(&r.Entrypoint, "entrypoint", beside("perch-entrypoint"), "static perch-entrypoint to put into the image")
	return c
}

func describe(system, libc string) string {
	if system == "" {
		system = "a system that does not say its name"
	}
	if libc == "" {
		libc = "no C library"
	}
	return system + ", with " + libc
}
