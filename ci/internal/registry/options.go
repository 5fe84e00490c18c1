package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"sync/atomic"
	"time"

	"github.com/google/go-containerregistry/pkg/authn"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// silence is for how long a registry may neither take nor send a byte. Some put
// a layer's parts together before they answer.
const silence = 5 * time.Minute

var impatient http.RoundTripper = newTransport(silence)

// Options are how everything here talks to registries, until ctx ends: as
// whoever logged in by docker, podman or a registry's helper, and not for ever
// with one that says nothing.
func Options(ctx context.Context) []remote.Option {
	return []remote.Option{
		remote.WithContext(ctx),
		remote.WithAuthFromKeychain(authn.DefaultKeychain),
		remote.WithTransport(impatient),
	}
}

// roundTripper is the library's transport, with a limit on silence.
type roundTripper struct{ *http.Transport }

func newTransport(silence time.Duration) roundTripper {
	t := remote.DefaultTransport.(*http.Transport).Clone()
	dial := t.DialContext
	t.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		raw, err := dial(ctx, network, address)
		if err != nil {
			return nil, err
		}
		return impatientConn{raw, silence}, nil
	}
	return roundTripper{t}
}

// impatientConn ends when for some time nothing has moved either way.
type impatientConn struct {
	net.Conn
	silence time.Duration
}

func (c impatientConn) Read(p []byte) (int, error) {
	c.SetDeadline(time.Now().Add(c.silence))
	return c.Conn.Read(p)
}

func (c impatientConn) Write(p []byte) (int, error) {
	c.SetDeadline(time.Now().Add(c.silence))
	return c.Conn.Write(p)
}

var errSilent = errors.New("no answer")

// RoundTrip calls silence by an error that the library does not take for a
// passing one: it would try a dozen times.
func (t roundTripper) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := t.Transport.RoundTrip(r)
	if errors.Is(err, os.ErrDeadlineExceeded) && r.Context().Err() == nil {
		return nil, fmt.Errorf("%w: %v", errSilent, err) // with %w it would be passing
	}
	return answer, err
}

// counting counts the bytes of what is sent.
type counting struct {
	http.RoundTripper
	sent *atomic.Int64
}

func (c counting) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.Body != nil && r.Body != http.NoBody {
		r = r.Clone(r.Context())
		r.Body = countedBody{r.Body, c.sent}
	}
	return c.RoundTripper.RoundTrip(r)
}

type countedBody struct {
	io.ReadCloser
	sent *atomic.Int64
}

func (b countedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.sent.Add(int64(n))
	return n, err
}
