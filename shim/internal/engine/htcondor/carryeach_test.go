package htcondor

import (
	"net"
	"path/filepath"
	"testing"
)

// Who has said all, but still listens, has not gone.
func TestAwaitHangup(t *testing.T) {
	lis, err := net.ListenUnix("unix", &net.UnixAddr{Name: filepath.Join(t.TempDir(), "s"), Net: "unix"})
	if err != nil {
		t.Fatal(err)
	}
	defer lis.Close()
	far, err := net.DialUnix("unix", nil, lis.Addr().(*net.UnixAddr))
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	near, err := lis.AcceptUnix()
	if err != nil {
		t.Fatal(err)
	}
	defer near.Close()
	if _, err := far.Write([]byte("last words")); err != nil {
		t.Fatal(err)
	}
	if err := far.CloseWrite(); err != nil {
		t.Fatal(err)
	}
	if hungUp(near) {
		t.Error("it has gone before it was closed")
	}
	gone := make(chan struct{})
	go func() { defer close(gone); awaitHangup(t.Context(), near) }()
	far.Close()
	<-gone
	if n, err := near.Read(make([]byte, 20)); n != len("last words") || err != nil {
		t.Errorf("what was said is not there any more: %d bytes, %v", n, err)
	}
}
