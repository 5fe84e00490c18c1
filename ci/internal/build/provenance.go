package build

import (
	"context"
	"io"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"

	"perch/ci/internal/tool"
)

// provenance is from which source an image is built.
type provenance struct {
	// source is the repository's address, revision the last commit that
	// touched the environments. Both are "" where nobody could get them:
	// outside of a repository, or with changes that are not committed.
	source, revision string
	// created is that commit's time, or what SOURCE_DATE_EPOCH says: the time
	// of the build would make each image another one.
	created time.Time
}

// origin asks git about the folder of the environments.
func origin(ctx context.Context, images string) provenance {
	p := provenance{created: sourceDate(os.Getenv("SOURCE_DATE_EPOCH"))}
	git := func(args ...string) string {
		out, err := tool.Run(ctx, io.Discard, "git", append([]string{"-C", images}, args...)...)
		if err != nil {
			return ""
		}
		return strings.TrimSpace(out)
	}
	if !tool.Have("git") || git("status", "--porcelain", "--", ".") != "" {
		return p
	}
	revision, seconds, found := strings.Cut(git("log", "-1", "--format=%H %ct", "--", "."), " ")
	if !found {
		return p
	}
	p.revision, p.source = revision, publicAddress(git("remote", "get-url", "origin"))
	if os.Getenv("SOURCE_DATE_EPOCH") == "" {
		p.created = sourceDate(seconds)
	}
	return p
}

// sourceDate is a time in seconds since 1970
// (https://reproducible-builds.org/specs/source-date-epoch/), else 1970.
func sourceDate(seconds string) time.Time {
	s, err := strconv.ParseInt(seconds, 10, 64)
	if err != nil {
		return time.Unix(0, 0).UTC()
	}
	return time.Unix(s, 0).UTC()
}

// baseName is what others may call a base: "" for a file of this machine.
func baseName(image string) string {
	image = strings.TrimPrefix(image, "docker://")
	if _, err := name.ParseReference(image); err != nil {
		return ""
	}
	return image
}

// publicAddress is a repository's address without anybody's password, or "" if
// it is one that nobody else could use.
func publicAddress(remote string) string {
	address, err := url.Parse(remote)
	if err != nil || address.Scheme != "https" {
		return ""
	}
	address.User = nil
	return address.String()
}
