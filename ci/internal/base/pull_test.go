package base

import (
	"context"
	"errors"
	"io"
	"testing"
)

// saying is a storage whose program says a line and, where there is no connection,
// tries again until it is stopped.
type saying struct {
	Storage
	line  string
	tries bool
}

func (s saying) Pull(ctx context.Context, _ string, watch io.Writer) error {
	for _, part := range []string{s.line[:len(s.line)/2], s.line[len(s.line)/2:], "\n"} {
		if _, err := io.WriteString(watch, part); err != nil {
			return err
		}
	}
	if s.tries {
		<-ctx.Done()
	}
	return errors.New("it failed")
}

// What the programs say where there is no connection, and where there is one.
func TestPull(t *testing.T) {
	for name, c := range map[string]struct{ line, reason string }{
		"buildah, no answer": {`time="2026-11-27T20:39:49Z" level=warning msg="Failed, retrying in 2s ... (1/3). Error: pinging container registry 192.0.2.1: Get \"https://192.0.2.1/v2/\": dial tcp 192.0.2.1:443: i/o timeout"`,
			"dial tcp 192.0.2.1:443: i/o timeout"},
		"podman, no route": {`Error: initializing source docker://192.0.2.1/x:1: pinging container registry 192.0.2.1: Get "https://192.0.2.1/v2/": dial tcp 192.0.2.1:443: connect: no route to host`,
			"dial tcp 192.0.2.1:443: connect: no route to host"},
		"docker, no answer": {`Error response from daemon: Get "https://registry.test/v2/": net/http: request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)`,
			"request canceled while waiting for connection (Client.Timeout exceeded while awaiting headers)"},
		"a proxy that is not there": {`Error: pinging container registry registry.test: Get "https://registry.test/v2/": proxyconnect tcp: dial tcp: lookup proxy.test: no such host`,
			"dial tcp: lookup proxy.test: no such host"},
		"an answer":              {`Error: reading manifest 1 in registry.test/x: toomanyrequests: You have reached your pull rate limit`, ""},
		"a certificate":          {`Error: pinging container registry registry.test: Get "https://registry.test/v2/": x509: certificate signed by unknown authority`, ""},
		"a connection that ends": {`Error: reading blob: read tcp 192.0.2.2:1->192.0.2.1:443: read: connection reset by peer`, ""},
	} {
		err := pull(t.Context(), saying{line: c.line, tries: c.reason != ""}, "x")
		var unreachable unreachableError
		if errors.As(err, &unreachable) != (c.reason != "") || c.reason != "" && err.Error() != c.reason {
			t.Errorf("%s: %v, want %q", name, err, c.reason)
		}
	}
}
