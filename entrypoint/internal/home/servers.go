package home

import (
	"errors"
	"os"

	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/idecache"
	"perch/entrypoint/internal/libc"
)

// linkServers links the IDE servers of the cache that the job names, or of the
// image's. Where the C library is too old, a server patches its node when it
// starts.
func (p *Place) linkServers(getenv func(string) string, cache string) {
	linker := getenv(libc.Linker)
	if linker == "" {
		linker = p.Environ[libc.Linker]
	}
	named := cache != ""
	if !named {
		cache = idecache.Default
	}
	linked, err := idecache.Link(cache, p.Home, linker)
	if err != nil && (named || !errors.Is(err, os.ErrNotExist)) {
		p.Found.Add("IDE server cache", finding.Said, "linking the IDE servers of %s: %v; servers are downloaded instead", cache, err)
	}
	if linked > 0 {
		p.Found.Add("IDE servers linked", finding.Mended, "linked %d IDE servers of %s", linked, cache)
	}
}
