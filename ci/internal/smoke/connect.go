package smoke

import (
	"context"
	"fmt"
	"io"
	"net"
)

// Connect copies between stdin and stdout and a unix socket until the other side
// closes it or ctx ends: ssh's ProxyCommand, on machines without a netcat that
// knows unix sockets.
func Connect(ctx context.Context, sock string, stdin io.Reader, stdout io.Writer) error {
	conn, err := net.Dial("unix", sock)
	if err != nil {
		return fmt.Errorf("connecting to the job: %w", err)
	}
	defer conn.Close()
	stop := context.AfterFunc(ctx, func() { conn.Close() })
	defer stop()
	// It ends with the process: reading stdin cannot be interrupted.
	go func() {
		_, _ = io.Copy(conn, stdin)
		_ = conn.(*net.UnixConn).CloseWrite()
	}()
	_, err = io.Copy(stdout, conn)
	return err
}
