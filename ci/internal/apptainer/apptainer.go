// Package apptainer has Apptainer make images: SIFs and unpacked trees. It needs
// no root, and apptainer on PATH.
package apptainer

import (
	"context"
	"io"
	"os"

	"perch/ci/internal/tool"
)

// compression is an environment variable of apptainer build's, and what it is set
// to unless the user has set it: by mksquashfs's own level, 9, a SIF of 800 MB
// takes six times as long and is 3 % smaller. It is a variable because earlier
// Apptainers, which do not know the option, ignore it.
const (
	compression = "APPTAINER_MKSQUASHFS_ARGS"
	fast        = "-comp gzip -Xcompression-level 4"
)

// SIF makes the file to of an image that apptainer build takes. What Apptainer
// prints goes to log; what it says last when it fails is the error.
func SIF(ctx context.Context, log io.Writer, to, from string) error {
	var env []string
	if _, set := os.LookupEnv(compression); !set {
		env = append(env, compression+"="+fast)
	}
	_, err := tool.RunIn(ctx, env, log, "apptainer", "build", to, from)
	return err
}

// Sandbox is SIF for an unpacked image: a directory, which HTCondor takes only if
// Apptainer made it.
func Sandbox(ctx context.Context, log io.Writer, to, from string) error {
	_, err := tool.Run(ctx, log, "apptainer", "build", "--sandbox", to, from)
	return err
}
