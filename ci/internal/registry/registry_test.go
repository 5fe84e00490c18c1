package registry

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"

	"perch/ci/internal/imagetest"
)

// serve starts a registry and returns a repository in it. refuse says what the
// registry does not remove.
func serve(t *testing.T, refuse func(reference string) bool, options ...registry.Option) name.Repository {
	t.Helper()
	handler := registry.New(append(options, registry.Logger(log.New(io.Discard, "", 0)))...)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, reference, _ := strings.Cut(r.URL.Path, "/manifests/")
		if r.Method == http.MethodDelete && refuse != nil && refuse(reference) {
			http.Error(w, `{"errors":[{"code":"UNSUPPORTED"}]}`, http.StatusMethodNotAllowed)
			return
		}
		handler.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	repository, err := name.NewRepository(strings.TrimPrefix(server.URL, "http://") + "/site/debian12")
	if err != nil {
		t.Fatal(err)
	}
	return repository
}

// at is the nth day.
func at(n int) time.Time { return time.Date(2026, time.November, n, 2, 17, 0, 0, time.UTC) }

// push sends the image of a day as latest.
func push(t *testing.T, to name.Repository, day int) name.Digest {
	t.Helper()
	image := imagetest.New(t, imagetest.Layer{"file": fmt.Sprint("of day ", day)})
	digest, _, err := Push(context.Background(), Upload{Image: image, To: to.Tag("latest"), Dated: true, At: at(day)})
	if err != nil {
		t.Fatal(err)
	}
	return digest
}

func tags(t *testing.T, of name.Repository) []string {
	t.Helper()
	found, err := remote.List(of)
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(found)
	return found
}

func want(t *testing.T, of name.Repository, wanted ...string) {
	t.Helper()
	if diff := cmp.Diff(wanted, tags(t, of)); diff != "" {
		t.Errorf("tags (-want +got):\n%s", diff)
	}
}

// A signature comes before the tags, once for each image, and a failed one leaves
// no tag.
func TestPushSigns(t *testing.T) {
	to := serve(t, nil)
	image := imagetest.New(t, imagetest.Layer{"file": "content"})
	signed := 0
	upload := Upload{Image: image, To: to.Tag("latest"), Dated: true, At: at(1)}
	upload.Sign = func(context.Context, name.Digest) error { return errors.New("no key") }
	if _, _, err := Push(context.Background(), upload); err == nil || err.Error() != "no key" {
		t.Errorf("a failed signature: %v", err)
	}
	if got := tags(t, to); len(got) > 0 {
		t.Errorf("a failed signature leaves the tags %v", got)
	}
	upload.Sign = func(_ context.Context, digest name.Digest) error {
		signed++
		if len(tags(t, to)) > 0 {
			t.Error("there are tags before the signature")
		}
		return errors.Join(attach(to, digest, ".sig"), attach(to, digest, ".att"))
	}
	for day := 2; day < 4; day++ {
		upload.At = at(day)
		if _, sent, err := Push(context.Background(), upload); err != nil || sent != (day == 2) {
			t.Fatalf("day %d: sent is %v, %v", day, sent, err)
		}
	}
	if signed != 1 {
		t.Errorf("signed %d times", signed)
	}
	digest, _ := image.Digest()
	want(t, to, "2026-11-02.021700", "latest", "sha256-"+digest.Hex+".att", "sha256-"+digest.Hex+".sig")
}

// What is sent is counted, once for each of its layers.
func TestPushCounts(t *testing.T) {
	to := serve(t, nil)
	image := imagetest.New(t, imagetest.Layer{"a": strings.Repeat("content\n", 1<<12)}, imagetest.Layer{"b": "more"}, imagetest.Layer{"c": "most"})
	var sent atomic.Int64
	if _, _, err := Push(context.Background(), Upload{Image: image, To: to.Tag("latest"), Sent: &sent}); err != nil {
		t.Fatal(err)
	}
	manifest, err := image.Manifest()
	if err != nil {
		t.Fatal(err)
	}
	size, err := image.Size() // of the manifest
	if err != nil {
		t.Fatal(err)
	}
	want := size + manifest.Config.Size
	for _, layer := range manifest.Layers {
		want += layer.Size
	}
	if got := sent.Load(); got != want {
		t.Errorf("%d bytes were sent, want %d", got, want)
	}
}

// A registry that does not take a layer is heard, whatever was still to be sent.
func TestPushRefused(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			w.Header().Set("Location", "/v2/site/debian12/blobs/uploads/1")
			w.WriteHeader(http.StatusAccepted)
		case http.MethodPatch:
			w.WriteHeader(http.StatusRequestEntityTooLarge)
		case http.MethodHead:
			w.WriteHeader(http.StatusNotFound)
		}
	}))
	defer server.Close()
	to, err := name.NewTag(strings.TrimPrefix(server.URL, "http://") + "/site/debian12:latest")
	if err != nil {
		t.Fatal(err)
	}
	large := make([]byte, 64<<20)
	rand.NewChaCha8([32]byte{}).Read(large)
	_, _, err = Push(context.Background(), Upload{Image: imagetest.New(t, imagetest.Layer{"large": string(large)}), To: to, Sent: new(atomic.Int64)})
	if err == nil || !strings.Contains(err.Error(), "413") {
		t.Errorf("got %v", err)
	}
}

// A registry that accepts a connection and says nothing is not waited for for ever.
func TestPushSilence(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	defer func(before http.RoundTripper) { impatient = before }(impatient)
	impatient = newTransport(20 * time.Millisecond)
	to, err := name.NewTag(silent.Addr().String() + "/site/debian12:latest")
	if err != nil {
		t.Fatal(err)
	}
	_, _, err = Push(context.Background(), Upload{Image: imagetest.New(t, imagetest.Layer{"file": "content"}), To: to})
	if err == nil || !strings.Contains(err.Error(), "does not answer") {
		t.Errorf("got %v", err)
	}
}

// What was sent without a signature gets one later.
func TestPushSignsLater(t *testing.T) {
	to := serve(t, nil)
	image := imagetest.New(t, imagetest.Layer{"file": "content"})
	upload := Upload{Image: image, To: to.Tag("latest")}
	if _, _, err := Push(context.Background(), upload); err != nil {
		t.Fatal(err)
	}
	signed := false
	upload.Sign = func(context.Context, name.Digest) error { signed = true; return nil }
	if _, _, err := Push(context.Background(), upload); err != nil || !signed {
		t.Errorf("signed: %v, %v", signed, err)
	}
	want(t, to, "latest")
}

// attach puts something beside an image as cosign does.
func attach(to name.Repository, image name.Digest, suffix string) error {
	tag := to.Tag(strings.Replace(image.DigestStr(), ":", "-", 1) + suffix)
	signature, err := imagetest.Make(imagetest.Layer{"signature": suffix + image.DigestStr()})
	if err != nil {
		return err
	}
	return remote.Write(tag, signature)
}

// refer puts something beside an image as OCI 1.1 has it.
func refer(t *testing.T, to name.Repository, image name.Digest) name.Digest {
	t.Helper()
	head, err := remote.Head(image)
	if err != nil {
		t.Fatal(err)
	}
	signature, ok := mutate.Subject(imagetest.New(t, imagetest.Layer{"bundle": image.DigestStr()}), *head).(v1.Image)
	if !ok {
		t.Fatal("it is no image")
	}
	digest, err := signature.Digest()
	if err != nil {
		t.Fatal(err)
	}
	by := to.Digest(digest.String())
	if err := remote.Write(by, signature); err != nil {
		t.Fatal(err)
	}
	return by
}

func TestPrune(t *testing.T) {
	for _, referrers := range []bool{false, true} {
		to := serve(t, nil, registry.WithReferrersSupport(referrers))
		images, beside := map[int]name.Digest{}, map[int]name.Digest{}
		for day := 1; day <= 5; day++ {
			images[day] = push(t, to, day)
			if err := attach(to, images[day], ".sig"); err != nil {
				t.Fatal(err)
			}
			beside[day] = refer(t, to, images[day])
		}
		release(t, to, images[1])
		before := tags(t, to)

		var removed []string
		note := func(o Old) { removed = append(removed, o.String()) }
		if err := Prune(context.Background(), to, 2, true, note); err != nil {
			t.Fatal(err)
		}
		want(t, to, before...)
		if err := Prune(context.Background(), to, 2, false, note); err != nil {
			t.Fatal(err)
		}
		old := []string{images[2].Name() + " 2026-11-02.021700", images[3].Name() + " 2026-11-03.021700"}
		if diff := cmp.Diff(append(old, old...), removed); diff != "" {
			t.Errorf("removed (-want +got):\n%s", diff)
		}
		for day := 1; day <= 5; day++ {
			gone := day == 2 || day == 3
			for what, reference := range map[string]name.Reference{"image": images[day], "signature": beside[day],
				"tag": to.Tag(at(day).Format(dateForm)), "its signature": to.Tag(strings.Replace(images[day].DigestStr(), ":", "-", 1) + ".sig")} {
				if _, err := remote.Head(reference); IsMissing(err) != gone || err != nil && !gone {
					t.Errorf("referrers %v: %s of day %d: %v", referrers, what, day, err)
				}
			}
		}
	}
}

// release gives an image a name of its own, by way of a list of images.
func release(t *testing.T, to name.Repository, image name.Digest) {
	t.Helper()
	found, err := remote.Image(image)
	if err != nil {
		t.Fatal(err)
	}
	if err := remote.WriteIndex(to.Tag("v1"), mutate.AppendManifests(empty.Index, mutate.IndexAddendum{Add: found})); err != nil {
		t.Fatal(err)
	}
}

// An image that was the newest twice counts by its last date, and goes with both.
func TestPruneOfOneImageTwice(t *testing.T) {
	to := serve(t, nil)
	for _, day := range []int{1, 2} {
		push(t, to, day)
	}
	image := imagetest.New(t, imagetest.Layer{"file": "of day 1"})
	if _, _, err := Push(context.Background(), Upload{Image: image, To: to.Tag("latest"), Dated: true, At: at(3)}); err != nil {
		t.Fatal(err)
	}
	if err := Prune(context.Background(), to, 1, false, func(Old) {}); err != nil {
		t.Fatal(err)
	}
	want(t, to, "2026-11-01.021700", "2026-11-03.021700", "latest")
}

// Registries differ in what they remove; who removes nothing is told so.
func TestPruneByWhatTheRegistryTakes(t *testing.T) {
	isDigest := func(reference string) bool { return strings.HasPrefix(reference, "sha256:") }
	for what, c := range map[string]struct {
		refuse func(string) bool
		fails  bool
	}{
		"no digests": {isDigest, false},
		"no tags":    {func(r string) bool { return !isDigest(r) }, false},
		"nothing":    {func(string) bool { return true }, true},
	} {
		to := serve(t, c.refuse)
		old := push(t, to, 1)
		push(t, to, 2)
		err := Prune(context.Background(), to, 1, false, func(Old) {})
		if c.fails != (err != nil) || c.fails && !strings.Contains(err.Error(), "does not let images be removed like this") {
			t.Errorf("%s: %v", what, err)
		}
		_, byTag := remote.Head(to.Tag(at(1).Format(dateForm)))
		_, byDigest := remote.Head(old)
		if gone := IsMissing(byTag) || IsMissing(byDigest); gone == c.fails {
			t.Errorf("%s: gone is %v", what, gone)
		}
	}
}
