package build

import (
	"context"
	"fmt"
	"strings"

	"perch/ci/internal/fitness"
	"perch/ci/internal/source"
)

// lookAtBase looks into a base that is a file, as builders say little of one that
// does not fit. shell says whether commands can run in it, as far as is known.
func lookAtBase(ctx context.Context, name string) (shell bool, err error) {
	kind, file, _ := strings.Cut(name, ":")
	// One with a tag is one of several in a file.
	if kind != "oci-archive" && kind != "docker-archive" || strings.Contains(file, ":") {
		return true, nil
	}
	image, err := source.Open(ctx, file)
	if err != nil {
		return false, err
	}
	defer image.Close()
	found, err := fitness.Examine(image)
	if err != nil {
		return false, fmt.Errorf("looking into %s: %w", file, err)
	}
	return found.Shell, nil
}
