package htcondor

import "bytes"

// tail keeps the last 4 KiB that a tool printed.
type tail struct{ buf bytes.Buffer }

// Write is an io.Writer's.
func (t *tail) Write(p []byte) (int, error) {
	t.buf.Write(p)
	if extra := t.buf.Len() - 4096; extra > 0 {
		t.buf.Next(extra)
	}
	return len(p), nil
}

func (t *tail) String() string { return t.buf.String() }

// watcher calls seen, once, when text has been written to it.
type watcher struct {
	text string
	seen func()
	last []byte
}

// Write is an io.Writer's.
func (w *watcher) Write(p []byte) (int, error) {
	if w.seen == nil {
		return len(p), nil
	}
	w.last = append(w.last, p...)
	if bytes.Contains(w.last, []byte(w.text)) {
		w.seen()
		w.seen, w.last = nil, nil
	}
	if extra := len(w.last) - len(w.text); extra > 0 {
		w.last = w.last[extra:]
	}
	return len(p), nil
}
