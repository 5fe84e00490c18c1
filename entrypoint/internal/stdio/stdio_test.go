package stdio

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A client that has left while the job still speaks is no error.
func TestClientHasLeft(t *testing.T) {
	socket := filepath.Join(t.TempDir(), "sock")
	listener, err := net.Listen("unix", socket)
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	go func() {
		conn, err := listener.Accept()
		if err != nil {
			return
		}
		defer conn.Close()
		conn.Write(make([]byte, 1<<20))
	}()
	r, w, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	r.Close()
	if err := connect(socket, strings.NewReader(""), w); err != nil {
		t.Error(err)
	}
}
