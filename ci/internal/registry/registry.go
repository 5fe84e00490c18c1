// Package registry sends images to a registry and clears old ones out of it.
//
// Each image that is sent may get a tag with the date beside the one that moves
// (latest): the dated tags are the history that Prune counts by.
package registry

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/google/go-containerregistry/pkg/v1/remote/transport"
)

// dateForm is the tag of an image that was sent at a time, in UTC.
const dateForm = "2006-01-02.150405"

// signatureTag is one that cosign, or the fallback of OCI's referrers, gives to
// what belongs to an image: its digest, and for some what it is.
var signatureTag = regexp.MustCompile(`^sha256-([0-9a-f]{64})(\.[a-z]+)?$`)

// Upload is an image and where it goes.
type Upload struct {
	Image v1.Image
	To    name.Reference
	// Dated adds a tag with the time At.
	Dated bool
	At    time.Time
	// Sign signs the image that has been sent; it may be nil.
	Sign func(context.Context, name.Digest) error
	// Sent, which may be nil, counts the bytes that have been sent, while they are.
	Sent *atomic.Int64
}

// Push sends an image and returns its reference by digest. Tags come last, so
// that nobody gets by a tag what is not signed yet. An image that To names
// already gets no further date, and no second signature; sent is false then.
func Push(ctx context.Context, u Upload) (digest name.Digest, sent bool, err error) {
	r := repository{ctx, u.To.Context()}
	defer func() { err = r.explain(err) }()
	hash, err := u.Image.Digest()
	if err != nil {
		return digest, false, err
	}
	digest = r.Digest(hash.String())
	there, err := r.is(u.To, hash)
	if err != nil {
		return digest, false, err
	}
	if !there {
		if err := r.write(u, digest); err != nil {
			return digest, false, err
		}
	}
	if err := r.sign(u, digest, there); err != nil {
		return digest, !there, err
	}
	if tag, isTag := u.To.(name.Tag); isTag && !there {
		return digest, true, r.tag(u, tag)
	}
	return digest, !there, nil
}

func (r repository) write(u Upload, digest name.Digest) error {
	options := r.options()
	if u.Sent != nil {
		options = append(options, remote.WithTransport(counting{impatient, u.Sent}))
	}
	return remote.Write(digest, u.Image, options...)
}

func (r repository) sign(u Upload, digest name.Digest, there bool) error {
	if u.Sign == nil {
		return nil
	}
	if there {
		signed, err := r.signed(digest)
		if err != nil || signed {
			return err
		}
	}
	return u.Sign(r.ctx, digest)
}

// signed says whether an image has what cosign's sign and attest attach: bundles
// that refer to it, as cosign 3 has them, or the tags of earlier ones. What is not
// known for one of both does not count: a second signature does no harm.
func (r repository) signed(image name.Digest) (bool, error) {
	found, err := r.referrers(image)
	if err != nil {
		return false, err
	}
	var signature, attestation bool
	for _, reference := range found {
		// Not all registries repeat annotations in their index.
		got, err := remote.Get(reference, r.options()...)
		if err != nil {
			return false, err
		}
		manifest, err := v1.ParseManifest(bytes.NewReader(got.Manifest))
		if err != nil {
			return false, fmt.Errorf("reading what refers to %s: %w", image, err)
		}
		signature = signature || manifest.Annotations[predicateType] == signaturePredicate
		attestation = attestation || manifest.Annotations[predicateType] == spdxPredicate
	}
	tags, err := remote.List(r.Repository, r.options()...)
	if err != nil && !IsMissing(err) {
		return false, err
	}
	prefix := strings.Replace(image.DigestStr(), ":", "-", 1)
	signature = signature || slices.Contains(tags, prefix+".sig")
	attestation = attestation || slices.Contains(tags, prefix+".att")
	return signature && attestation, nil
}

// What cosign's bundles say of themselves in the annotations of their manifests
// (sigstore's bundle specification, "Storage in OCI registries").
const (
	predicateType      = "dev.sigstore.bundle.predicateType"
	signaturePredicate = "https://sigstore.dev/cosign/sign/v1"
	spdxPredicate      = "https://spdx.dev/Document"
)

func (r repository) tag(u Upload, tag name.Tag) error {
	if u.Dated {
		if err := remote.Tag(r.Tag(u.At.UTC().Format(dateForm)), u.Image, r.options()...); err != nil {
			return err
		}
	}
	return remote.Tag(tag, u.Image, r.options()...)
}

// repository is where the images of one environment are.
type repository struct {
	ctx context.Context
	name.Repository
}

func (r repository) options() []remote.Option { return Options(r.ctx) }

// is says whether a reference is the image of a digest.
func (r repository) is(reference name.Reference, digest v1.Hash) (bool, error) {
	found, err := remote.Head(reference, r.options()...)
	if IsMissing(err) {
		return false, nil
	} else if err != nil {
		return false, err
	}
	return found.Digest == digest, nil
}

// attached are the signatures and other things that belong to an image: the
// manifests that refer to it, then the tags through which they are found.
func (r repository) attached(image name.Digest) ([]name.Reference, error) {
	found, err := r.referrers(image)
	if err != nil {
		return nil, err
	}
	tags, err := remote.List(r.Repository, r.options()...)
	if err != nil && !IsMissing(err) {
		return nil, err
	}
	for _, tag := range tags {
		m := signatureTag.FindStringSubmatch(tag)
		if m == nil || "sha256:"+m[1] != image.DigestStr() {
			continue
		}
		head, err := remote.Head(r.Tag(tag), r.options()...)
		if err != nil {
			return nil, err
		}
		found = append(found, r.Tag(tag), r.Digest(head.Digest.String()))
	}
	return found, nil
}

func (r repository) referrers(image name.Digest) (found []name.Reference, err error) {
	index, err := remote.Referrers(image, r.options()...)
	if IsMissing(err) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	list, err := index.IndexManifest()
	if err != nil {
		return nil, err
	}
	for _, m := range list.Manifests {
		found = append(found, r.Digest(m.Digest.String()))
	}
	return found, nil
}

// explain says what to do about a registry that lets not everybody in, or that
// says nothing.
func (r repository) explain(err error) error { return Explain(err, r.RegistryStr()) }

// Explain says of a registry's refusal, or of its silence, what to do about it. Other
// errors it returns as they are.
func Explain(err error, host string) error {
	if answered(err, http.StatusUnauthorized, http.StatusForbidden) {
		return fmt.Errorf("%s does not let you do that (%w); log in as somebody who may, such as by podman login %s", host, err, host)
	}
	if errors.Is(err, errSilent) {
		return fmt.Errorf("%s does not answer (%w); see whether it is well, then try again", host, err)
	}
	return err
}

// IsMissing says whether a registry has not what it was asked for.
func IsMissing(err error) bool { return answered(err, http.StatusNotFound) }

// refused says whether a registry does not do what it was asked for.
func refused(err error) bool {
	return answered(err, http.StatusBadRequest, http.StatusMethodNotAllowed, http.StatusNotImplemented)
}

func answered(err error, codes ...int) bool {
	var failure *transport.Error
	return errors.As(err, &failure) && slices.Contains(codes, failure.StatusCode)
}

// remove removes a tag or a manifest. What is gone already is fine; done is
// false where the registry does not remove such a thing.
func (r repository) remove(reference name.Reference) (done bool, err error) {
	err = remote.Delete(reference, r.options()...)
	if refused(err) {
		return false, nil
	} else if err != nil && !IsMissing(err) {
		return false, fmt.Errorf("removing %s: %w", reference, err)
	}
	return true, nil
}
