package registry

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// answerLimit is how long a registry may take to answer what it was asked or
// sent. Some put a layer's parts together before they do.
const answerLimit = 2 * time.Minute

var limited http.RoundTripper = newTransport(answerLimit)

// Options are how everything here talks to registries, until ctx ends: as
// whoever logged in by docker, podman or a registry's helper, and not for ever
// with one that says nothing.
func Options(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithTransport(limited),
	}
}

var errSilent = errors.New("no answer")

// roundTripper is the library's, which has limits for all but the answer.
type roundTripper struct {
	*http.Transport
}

func newTransport(answer time.Duration) roundTripper {
	t := remote.DefaultTransport.(*http.Transport).Clone()
	t.ResponseHeaderTimeout = answer
	t.TLSHandshakeTimeout = min(t.TLSHandshakeTimeout, answer)
	return roundTripper{t}
}

// RoundTrip calls silence by an error that the library does not take for a
// passing one: it would try a dozen times.
func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.Transport.RoundTrip(r)
	var network net.Error
	if errors.As(err, &network) && network.Timeout() && r.Context().Err() == nil {
		return nil, fmt.Errorf("%w: %v", errSilent, err) // with %w it would be passing
	}
	return answer, err
}
