package registry

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Old is an image that Prune removes, with its tags.
type Old struct {
	Image name.Digest
	Tags  []string
}

// Prune removes all dated images but the newest keep, with their signatures. An
// image with any other tag, such as latest, stays and counts as one that is
// kept. With dryRun it only says what it would remove.
func Prune(ctx context.Context, from name.Repository, keep int, dryRun bool, removing func(Old)) (err error) {
	r := repository{ctx, from}
	defer func() { err = r.explain(err) }()
	old, err := r.old(keep)
	if err != nil {
		return err
	}
	for _, o := range old {
		removing(o)
		if dryRun {
			continue
		}
		if err := r.removeImage(o); err != nil {
			return err
		}
	}
	return nil
}

// dated is an image of the history.
type dated struct {
	digest v1.Hash
	tags   []string
}

// old returns the images to remove, the oldest first.
func (r repository) old(keep int) ([]Old, error) {
	tags, err := remote.List(r.Repository, r.options()...)
	if err != nil {
		return nil, fmt.Errorf("asking for the tags of %s: %w", r.Repository, err)
	}
	var history []dated
	held := map[v1.Hash]bool{}
	slices.Sort(tags)
	for _, tag := range slices.Backward(tags) { // the newest first
		if signatureTag.MatchString(tag) {
			continue
		}
		digests, err := r.digests(r.Tag(tag))
		if err != nil {
			return nil, err
		}
		if _, err := time.Parse(dateForm, tag); err != nil {
			for _, d := range digests {
				held[d] = true
			}
		} else if len(digests) > 0 {
			history = add(history, digests[0], tag)
		}
	}
	var old []Old
	for n, d := range history {
		if n >= keep && !held[d.digest] {
			old = append(old, Old{r.Digest(d.digest.String()), d.tags})
		}
	}
	slices.Reverse(old)
	return old, nil
}

func add(history []dated, digest v1.Hash, tag string) []dated {
	if i := slices.IndexFunc(history, func(d dated) bool { return d.digest == digest }); i >= 0 {
		history[i].tags = append(history[i].tags, tag)
		return history
	}
	return append(history, dated{digest, []string{tag}})
}

// digests are that of a tag's image and, where it is a list of images, those of
// all in it; none where the tag has gone.
func (r repository) digests(tag name.Tag) ([]v1.Hash, error) {
	found, err := remote.Get(tag, r.options()...)
	if IsMissing(err) {
		return nil, nil
	} else if err != nil {
		return nil, fmt.Errorf("asking for %s: %w", tag, err)
	}
	all := []v1.Hash{found.Digest}
	if !found.MediaType.IsIndex() {
		return all, nil
	}
	index, err := found.ImageIndex()
	if err != nil {
		return nil, err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, m := range list.Manifests {
		all = append(all, m.Digest)
	}
	return all, nil
}

// removeImage removes an image. Signatures go first: were they left behind, no
// later call would find them. Many registries remove by digest alone, and some by
// tag alone.
func (r repository) removeImage(o Old) error {
	attached, err := r.attached(o.Image)
	if err != nil {
		return fmt.Errorf("asking for the signatures of %s: %w", o.Image, err)
	}
	if _, err := r.removeAll(attached); err != nil {
		return err
	}
	var own []name.Reference
	for _, tag := range o.Tags {
		own = append(own, r.Tag(tag))
	}
	if any, err := r.removeAll(append(own, o.Image)); any || err != nil {
		return err
	}
	return fmt.Errorf("%s does not let images be removed like this; use the rules for keeping images that it has itself", r.RegistryStr())
}

// removeAll removes what the registry lets be removed, and says whether that was
// anything.
func (r repository) removeAll(references []name.Reference) (any bool, err error) {
	for _, reference := range references {
		done, err := r.remove(reference)
		if err != nil {
			return any, err
		}
		any = any || done
	}
	return any, nil
}

// String is the image for people.
func (o Old) String() string { return o.Image.String() + " " + strings.Join(o.Tags, " ") }
