package home

import (
	"errors"
	"os"

	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/idecache"
)

// linkServers links the IDE servers of the cache that the job names, or of the
// image's.
func (p *Place) linkServers(cache string) {
	named := cache != ""
	if !named {
		cache = idecache.Default
	}
	linked, err := idecache.Link(cache, p.Home)
	if err != nil && (named || !errors.Is(err, os.ErrNotExist)) {
		p.Found.Add("IDE server cache", finding.Said, "linking the IDE servers of %s: %v; servers are downloaded instead", cache, err)
	}
	if linked > 0 {
		p.Found.Add("IDE servers linked", finding.Mended, "linked %d IDE servers of %s", linked, cache)
	}
}
