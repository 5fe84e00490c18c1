// Package kept keeps what a program that still runs writes, for a test that
// reads along.
package kept

import (
	"bytes"
	"sync"
)

// Output is what was written so far. It may be written and read at once.
type Output struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (o *Output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *Output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}
