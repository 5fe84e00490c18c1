package ide

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"testing"
	"time"
)

// bySOCKS leads through an ssh -D.
func bySOCKS(port int) *http.Client {
	proxy := &url.URL{Scheme: "socks5", Host: fmt.Sprintf("127.0.0.1:%d", port)}
	return &http.Client{Transport: &http.Transport{Proxy: http.ProxyURL(proxy), DisableKeepAlives: true}, Timeout: time.Minute}
}

// byAddress leads to one address, whatever a URL says: an ssh -L.
func byAddress(network, address string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		return new(net.Dialer).DialContext(ctx, network, address)
	}
	return &http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: time.Minute}
}

// reached shows that it is the real server, by its commit, and that it takes
// the client's websocket. base is its address as the client in between knows it.
func (j *job) reached(t *testing.T, client *http.Client, base string) {
	t.Helper()
	answer, err := client.Get(base + "/version")
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	if body, err := io.ReadAll(answer.Body); err != nil || strings.TrimSpace(string(body)) != j.server.Commit {
		t.Fatalf("the server's version is %q, %v; want %s", body, err, j.server.Commit)
	}
	request, err := http.NewRequest("GET", base+"/?reconnectionToken=f0b5e1f6-7d0f-4d0c-9a54-1b1e53f3c2aa&reconnection=false&skipWebSocketFrames=false", nil)
	if err != nil {
		t.Fatal(err)
	}
	for name, value := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket",
		"Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		request.Header.Set(name, value)
	}
	upgraded, err := client.Do(request)
	if err != nil {
		t.Fatal(err)
	}
	defer upgraded.Body.Close()
	if upgraded.StatusCode != http.StatusSwitchingProtocols {
		t.Errorf("the websocket is answered by %s", upgraded.Status)
	}
}
