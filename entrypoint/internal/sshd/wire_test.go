package sshd

import (
	"bytes"
	"errors"
	"io"
	"net"
	"path/filepath"
	"testing"
)

// sizes are writes as the library makes them, and exactly full buffers.
var sizes = []int{1, 4096, 28_700, 4096, 4096, 5, 4095, 4097, 32_800, 4096}

func TestWire(t *testing.T) {
	near, far := net.Pipe()
	var want bytes.Buffer
	got := make(chan []byte, 1)
	go func() {
		all, _ := io.ReadAll(far)
		got <- all
	}()
	w := newWire(near, func() {})
	for i, n := range sizes {
		part := bytes.Repeat([]byte{byte('a' + i)}, n)
		want.Write(part)
		if m, err := w.Write(part); m != n || err != nil {
			t.Fatalf("writing %d bytes: %d, %v", n, m, err)
		}
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
	if got := <-got; !bytes.Equal(got, want.Bytes()) {
		t.Errorf("%d bytes came out of %d, or others", len(got), want.Len())
	}
}

// A packet that the library writes in two pieces reaches the kernel as one: on a
// socket that keeps messages apart, it is one message. A busy machine may come
// between the two pieces now and then.
func TestWireWritesPacketsWhole(t *testing.T) {
	listener, err := net.Listen("unixpacket", filepath.Join(t.TempDir(), "sock"))
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	near, err := net.Dial("unixpacket", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	far, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	w := newWire(near, func() {})
	defer w.Close()
	const packets, rest = 20, 28_700
	message := make([]byte, 1<<16)
	whole := 0
	for range packets {
		for _, n := range []int{libraryBuffer, rest} {
			if _, err := w.Write(make([]byte, n)); err != nil {
				t.Fatal(err)
			}
		}
		for got := 0; got < libraryBuffer+rest; {
			n, err := far.Read(message)
			if err != nil {
				t.Fatal(err)
			}
			if got += n; n == libraryBuffer+rest {
				whole++
			}
		}
	}
	if whole == 0 {
		t.Errorf("none of %d packets came whole", packets)
	}
}

// A full buffer that is a whole packet waits for nothing.
func TestWireHoldsNothingForLong(t *testing.T) {
	near, far := net.Pipe()
	defer far.Close()
	w := newWire(near, func() {})
	defer w.Close()
	want := bytes.Repeat([]byte("x"), libraryBuffer)
	if _, err := w.Write(want); err != nil {
		t.Fatal(err)
	}
	got := make([]byte, libraryBuffer)
	if _, err := io.ReadFull(far, got); err != nil || !bytes.Equal(got, want) {
		t.Errorf("got %d bytes, %v", len(got), err)
	}
}

func TestWireReads(t *testing.T) {
	near, far := net.Pipe()
	w := newWire(near, func() {})
	sent := bytes.Repeat([]byte("0123456789"), 20_000)
	go func() { far.Write(sent); far.Close() }()
	if got, err := io.ReadAll(w); err != nil || !bytes.Equal(got, sent) {
		t.Errorf("got %d bytes of %d, %v", len(got), len(sent), err)
	}
}

func TestBatches(t *testing.T) {
	r, w := io.Pipe()
	b := newBatches(w)
	var want bytes.Buffer
	for i, n := range sizes {
		part := bytes.Repeat([]byte{byte('a' + i)}, n)
		want.Write(part)
		if _, err := b.Write(part); err != nil {
			t.Fatal(err)
		}
	}
	go func() { b.close(); w.Close() }()
	if got, err := io.ReadAll(r); err != nil || !bytes.Equal(got, want.Bytes()) {
		t.Errorf("got %d bytes of %d, or others, %v", len(got), want.Len(), err)
	}
}

// What comes while a piece is on its way goes in one, after it.
func TestBatchesGather(t *testing.T) {
	r, w := io.Pipe()
	b := newBatches(w)
	const more = 100
	for range more { // nobody takes the first yet
		b.Write([]byte("x"))
	}
	go func() { b.close(); w.Close() }()
	reads := 0
	for buf := make([]byte, 2*more); ; reads++ {
		if _, err := r.Read(buf); err != nil {
			break
		}
	}
	if reads > 2 {
		t.Errorf("%d pieces, want 2 at most", reads)
	}
}

// A peer that takes nothing any more ends all that wait for it.
func TestBatchesEnd(t *testing.T) {
	r, w := io.Pipe()
	b := newBatches(w)
	failed := make(chan error)
	go func() {
		for {
			if _, err := b.Write(make([]byte, maxBatch/4)); err != nil {
				failed <- err
				return
			}
		}
	}()
	gone := errors.New("gone")
	r.CloseWithError(gone)
	if err := <-failed; !errors.Is(err, gone) {
		t.Errorf("got %v", err)
	}
	b.close()
}
