package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"io"
	"os"
	"testing"

	"golang.org/x/sys/unix"
)

// TestStreamOfPipe is the way for pipes that cannot be opened again.
func TestStreamOfPipe(t *testing.T) {
	r, w := blockingPipe(t)
	ctx, cancel := context.WithCancel(t.Context())
	reader, err := newStream(ctx, int(r.Fd()), false)
	if err != nil {
		t.Fatal(err)
	}
	defer reader.Close()
	writer, err := newStream(ctx, int(w.Fd()), false)
	if err != nil {
		t.Fatal(err)
	}
	defer writer.Close()

	data := make([]byte, 1<<20)
	rand.Read(data)
	written := make(chan error)
	go func() { _, err := writer.Write(data); written <- err }()
	got := make([]byte, len(data))
	if _, err := io.ReadFull(reader, got); err != nil || !bytes.Equal(got, data) {
		t.Errorf("the bytes have changed on their way, or: %v", err)
	}
	if err := <-written; err != nil {
		t.Error(err)
	}

	go func() { _, err := writer.Write(data); written <- err }() // more than fits
	cancel()
	if err := <-written; !errors.Is(err, errStopped) {
		t.Errorf("Write to a full pipe, stopped: %v", err)
	}
	// The reader hears of the end by itself, perhaps later than the writer.
	for err = nil; err == nil; {
		_, err = reader.Read(nil)
	}
	if !errors.Is(err, errStopped) {
		t.Errorf("Read, stopped: %v", err)
	}
}

// TestOpenStreamKinds: what stands in ssh's place may give us anything.
func TestOpenStreamKinds(t *testing.T) {
	null, err := os.Open(os.DevNull)
	if err != nil {
		t.Fatal(err)
	}
	defer null.Close()
	file, err := os.CreateTemp(t.TempDir(), "file")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, f := range []*os.File{null, file} {
		in, err := openStream(t.Context(), f, unix.O_RDONLY)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(in); len(got) != 0 || err != nil {
			t.Errorf("reading %s: %q, %v", f.Name(), got, err)
		}
		in.Close()
	}
	out, err := openStream(t.Context(), file, unix.O_WRONLY)
	if err != nil {
		t.Fatal(err)
	}
	defer out.Close()
	if _, err := out.Write(make([]byte, 10000)); err != nil {
		t.Error(err)
	}
	if info, err := file.Stat(); err != nil || info.Size() != 10000 {
		t.Errorf("the file has %v, %v", info.Size(), err)
	}
}
