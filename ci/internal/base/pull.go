package base

import (
	"bytes"
	"context"
	"regexp"
	"sync"
)

// unreachableError is why a registry could not be reached. One that answers, with
// whatever, can be.
type unreachableError string

func (e unreachableError) Error() string { return string(e) }

// unreachable is how Go's net and net/http, which buildah, podman and docker use,
// say that there is no connection.
var unreachable = regexp.MustCompile(`((?:dial tcp|TLS handshake timeout|request canceled while waiting for connection)[^"\n]*)["\n]`)

// pull gets an image. It ends with an unreachableError as soon as one connection
// could not be made: the programs would try three times more, with a minute or two
// to wait where packets are dropped.
func pull(ctx context.Context, storage Storage, image string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	watch := &watcher{found: cancel}
	err := storage.Pull(ctx, image, watch)
	if err != nil && watch.reason != "" {
		return watch.reason
	}
	return err
}

// watcher looks for unreachable in what a program says on stdout and stderr, and
// calls found once.
type watcher struct {
	found func()

	mu     sync.Mutex
	said   bytes.Buffer
	reason unreachableError
}

func (w *watcher) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.said.Write(p)
	if why := unreachable.FindSubmatch(w.said.Bytes()); why != nil && w.reason == "" {
		w.reason = unreachableError(why[1])
		w.found()
	}
	return len(p), nil
}
