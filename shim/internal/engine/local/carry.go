package local

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"time"

	"perch/entrypoint/contract"
	"perch/shim/internal/engine"
)

// watchPace is how often a carrier looks whether its job still runs.
const watchPace = 200 * time.Millisecond

// carrier is a symbolic link to the job's own socket. The kernel follows it, so
// that the link's path has to fit into a socket address, and the socket's not.
type carrier struct {
	done chan struct{}
	err  error
}

// Carry makes sock a link to the job's socket.
func (e *Engine) Carry(ctx context.Context, j engine.Job, sock string, way engine.Way) (engine.Carrier, error) {
	if way != engine.Forward {
		return nil, engine.ErrNoSuchWay
	}
	cluster, err := clusterOf(j)
	if err != nil {
		return nil, err
	}
	q, err := openQueue()
	if err != nil {
		return nil, err
	}
	job, err := load(q.folder(cluster))
	if errors.Is(err, fs.ErrNotExist) || err == nil && job.status.Gone {
		return nil, fmt.Errorf("job %s has left the queue", j.ID)
	}
	if err != nil {
		return nil, err
	}
	target := filepath.Join(q.scratch(cluster), contract.Dir, contract.SocketName)
	if info, err := os.Stat(target); job.status.State != engine.Running || err != nil || info.Mode().Type() != fs.ModeSocket {
		return nil, engine.ErrNotYet
	}
	if err := relink(target, sock); err != nil {
		return nil, fmt.Errorf("linking to the job's socket: %w", err)
	}
	if !answers(ctx, sock) {
		os.Remove(sock)
		return nil, engine.ErrNotYet
	}
	c := &carrier{done: make(chan struct{})}
	go c.watch(ctx, q, job, sock)
	return c, nil
}

// answers says whether somebody listens: a socket exists a moment before that.
func answers(ctx context.Context, sock string) bool {
	conn, err := new(net.Dialer).DialContext(ctx, "unix", sock)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// relink makes name a link to target, whatever was there before.
func relink(target, name string) error {
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return os.Symlink(target, name)
}

// watch waits for the end of the job or of ctx, and takes the link away.
func (c *carrier) watch(ctx context.Context, q queue, job *entry, sock string) {
	defer close(c.done)
	defer os.Remove(sock)
	tick := time.NewTicker(watchPace)
	defer tick.Stop()
	for job.status.Starter.alive() {
		select {
		case <-ctx.Done():
			c.err = ctx.Err()
			return
		case <-tick.C:
		}
	}
	after, err := q.recover(ctx, job)
	if err != nil {
		c.err = fmt.Errorf("the job has ended: %w", err)
		return
	}
	c.err = fmt.Errorf("the job is %s: %s", after.status.State, after.status.Reason)
}

// Wait blocks until the job or the carrier's context has ended.
func (c *carrier) Wait() error {
	<-c.done
	return c.err
}
