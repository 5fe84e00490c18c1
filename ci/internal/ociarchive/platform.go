package ociarchive

import (
	"fmt"
	"runtime"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// Platform is what an image is taken for where there are several.
var Platform = v1.Platform{OS: "linux", Architecture: runtime.GOARCH}

// MaxNested is how many indexes may stand in one another. More make no sense, and
// a hostile one may contain itself.
const MaxNested = 4

// ErrNested says that an index has more than MaxNested in one another.
var ErrNested = fmt.Errorf("it has more than %d indexes in one another", MaxNested)

// Choose returns what an index says of the image for this machine, or of the
// only one that it has. That may be an index again.
func Choose(index *v1.IndexManifest) (v1.Descriptor, error) {
	if len(index.Manifests) == 1 {
		return index.Manifests[0], nil
	}
	for _, d := range index.Manifests {
		if d.Platform != nil && d.Platform.Satisfies(Platform) {
			return d, nil
		}
	}
	return v1.Descriptor{}, fmt.Errorf("it has %d images, and none of them for %s", len(index.Manifests), Platform)
}
