package standin

import (
	"context"
	"errors"
	"net"
	"path/filepath"
	"testing"
	"time"

	"perch/shim/internal/proxy"
)

// Who is let in and hears nothing is told that nobody is there, so that the job is
// looked for anew.
func TestNoAnswer(t *testing.T) {
	sock := filepath.Join(t.TempDir(), "s")
	silent, err := net.Listen("unix", sock)
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	dial := func(ctx context.Context) error {
		conn, err := proxy.Dial(ctx, sock)
		if err == nil {
			conn.Close()
		}
		return err
	}
	if err := within(t.Context(), 20*time.Millisecond, dial); !errors.Is(err, proxy.ErrDead) {
		t.Errorf("got %v", err)
	}
	asked, cancel := context.WithCancel(t.Context())
	cancel()
	if err := within(asked, time.Minute, dial); !errors.Is(err, context.Canceled) || errors.Is(err, proxy.ErrDead) {
		t.Errorf("of one who does not wait: %v", err)
	}
}
