package steps

import (
	"bytes"
	"strings"
	"sync"
)

// stepLength is as much of a step as people need to recognize it, in bytes.
const stepLength = 30

// Writer takes what buildah, podman or docker prints, and calls At with each step
// that it begins: "STEP 2/4: RUN …" becomes "2/4: RUN …". Stdout and stderr may
// be written to it.
type Writer struct {
	At func(string)

	mu   sync.Mutex
	line []byte
}

func (w *Writer) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; ; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		w.line = append(w.line, part...)
		if !whole {
			return len(p), nil
		}
		if word, step, _ := strings.Cut(string(w.line), " "); strings.EqualFold(word, "step") {
			if len(step) > stepLength {
				step = strings.ToValidUTF8(step[:stepLength], "") + "…"
			}
			w.At(step)
		}
		w.line, rest = w.line[:0], after
	}
}
