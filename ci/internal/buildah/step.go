package buildah

import (
	"bytes"
	"strings"
	"sync"
)

// stepLength is as much of a step as people need to recognize it, in bytes.
const stepLength = 30

// stepWriter takes what buildah prints, and calls at with each step that it
// begins: "STEP 2/4: RUN …" becomes "2/4: RUN …". Stdout and stderr may be written to it.
type stepWriter struct {
	at func(string)

	mu   sync.Mutex
	line []byte
}

func (w *stepWriter) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for rest := p; ; {
		part, after, whole := bytes.Cut(rest, []byte("\n"))
		w.line = append(w.line, part...)
		if !whole {
			return len(p), nil
		}
		if step, ok := strings.CutPrefix(string(w.line), "STEP "); ok {
			if len(step) > stepLength {
				step = step[:stepLength] + "…"
			}
			w.at(step)
		}
		w.line, rest = w.line[:0], after
	}
}
