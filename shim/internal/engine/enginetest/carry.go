package enginetest

import (
	"context"
	"fmt"
	"net"
	"os"
	"runtime"
	"sync"

	"perch/shim/internal/engine"
)

// carrier is a listener on the shim's socket, behind which the job is.
type carrier struct {
	lis  net.Listener
	once sync.Once
	done chan struct{}
	err  error

	mu    sync.Mutex
	conns map[net.Conn]bool
	dead  bool
}

// Wait blocks until the carrier has ended.
func (c *carrier) Wait() error {
	<-c.done
	return c.err
}

func (c *carrier) end(err error) {
	c.once.Do(func() {
		c.err = err
		c.lis.Close()
		c.hangUp()
		close(c.done)
	})
}

// hangUp ends all connections, and those to come.
func (c *carrier) hangUp() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dead = true
	for conn := range c.conns {
		conn.Close()
	}
}

// Carry listens on sock.
func (e *Engine) Carry(ctx context.Context, j engine.Job, sock string, way engine.Way) (engine.Carrier, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.NotYet > 0 {
		e.NotYet--
		return nil, engine.ErrNotYet
	}
	if e.NoForward && way == engine.Forward {
		return nil, fmt.Errorf("forwarding: %w", engine.ErrNoSuchWay)
	}
	if state := e.job(j.ID).State; state != engine.Running && state != engine.Suspended {
		return nil, fmt.Errorf("entering job %s, which is %s: %w", j.ID, state, engine.ErrNotYet)
	}
	_ = os.Remove(sock)
	lis, err := net.Listen("unix", sock)
	if err != nil {
		return nil, err
	}
	c := &carrier{lis: lis, done: make(chan struct{}), conns: map[net.Conn]bool{}}
	e.ways = append(e.ways, way)
	e.carriers = append(e.carriers, c)
	go c.accept(e, e.RefuseForward && way == engine.Forward)
	context.AfterFunc(ctx, func() { c.end(ctx.Err()) })
	e.t.Cleanup(func() { c.end(errBroken) })
	return c, nil
}

func (c *carrier) accept(e *Engine, refuse bool) {
	for {
		conn, err := c.lis.Accept()
		if err != nil {
			return
		}
		c.mu.Lock()
		if refuse || c.dead {
			conn.Close()
		} else {
			c.conns[conn] = true
			go e.Serve(conn)
		}
		c.mu.Unlock()
	}
}

// Break ends all carriers, as a lost network does.
func (e *Engine) Break() {
	for _, c := range e.open() {
		c.end(errBroken)
	}
}

// EndEntrypoint has nobody answer behind the carriers, which stand.
func (e *Engine) EndEntrypoint() {
	for _, c := range e.open() {
		c.hangUp()
	}
}

// Standing is how many carriers have not ended.
func (e *Engine) Standing() int { return len(e.open()) }

func (e *Engine) open() []*carrier {
	e.mu.Lock()
	defer e.mu.Unlock()
	var open []*carrier
	for _, c := range e.carriers {
		select {
		case <-c.done:
		default:
			open = append(open, c)
		}
	}
	return open
}

func stacks() string {
	buf := make([]byte, 1<<20)
	return string(buf[:runtime.Stack(buf, true)])
}
