package proxy

import (
	"context"
	"io"
	"os"
	"time"

	"golang.org/x/sys/unix"
)

// Copy carries bytes between conn and a client that has started this process as
// its ProxyCommand, until the other side of conn has ended, stdout takes no
// more, or ctx ends. The end of stdin is passed on and ends nothing by itself:
// what the other side still has to say arrives. stdin and stdout may be pipes,
// sockets or terminals, and are left as they are. conn is closed.
//
// A nil error means that the other side has ended.
func Copy(ctx context.Context, conn *os.File, stdin, stdout *os.File) error {
	defer conn.Close()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, err := openStream(ctx, stdin, os.O_RDONLY)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := openStream(ctx, stdout, os.O_WRONLY)
	if err != nil {
		return err
	}
	defer out.Close()
	stop := context.AfterFunc(ctx, func() { conn.SetDeadline(time.Unix(1, 0)) })
	defer stop()

	sent := make(chan struct{})
	go func() {
		defer close(sent)
		// That stdin or the other side's ear has failed is no reason not to
		// listen to it any more: whatever counts shows there.
		_, _ = io.Copy(conn, in)
		_ = shutdownWrite(conn)
	}()
	_, err = io.Copy(out, conn)
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	cancel()
	<-sent
	return err
}

func shutdownWrite(conn *os.File) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	return raw.Control(func(fd uintptr) { _ = unix.Shutdown(int(fd), unix.SHUT_WR) })
}
