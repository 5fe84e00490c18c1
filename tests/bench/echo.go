package main

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// keyPause is between two keys: nobody types faster.
const keyPause = 10 * time.Millisecond

// typist is somebody at a terminal over there, in which a program shows each
// key, as a shell's line editor does.
type typist struct {
	cmd *exec.Cmd
	in  io.WriteCloser
	out *bufio.Reader
}

// types opens a terminal, with options for ssh.
func (w way) types(ctx context.Context, options ...string) (*typist, error) {
	cmd := w.with(append([]string{"-tt"}, options...)...).command(ctx, "stty raw -echo; echo ready; exec cat")
	in, err := cmd.StdinPipe()
	if err != nil {
		return nil, err
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	t := &typist{cmd, in, bufio.NewReader(out)}
	if line, err := t.out.ReadString('\n'); line != "ready\n" {
		return nil, fmt.Errorf("the terminal says %q: %w: %s", line, errors.Join(err, t.end()), &stderr)
	}
	return t, nil
}

// key types one and waits until it is shown.
func (t *typist) key() (time.Duration, error) {
	began := time.Now()
	if _, err := t.in.Write([]byte("x")); err != nil {
		return 0, err
	}
	shown, err := t.out.ReadByte()
	took := time.Since(began)
	if err == nil && shown != 'x' {
		err = fmt.Errorf("the terminal shows %q", shown)
	}
	return took, err
}

// keys types n, of which the first, for which nothing is awake, does not count.
func (t *typist) keys(n int) (some []sample, err error) {
	for range n + 1 {
		took, err := t.key()
		if err != nil {
			return nil, fmt.Errorf("typing: %w", err)
		}
		some = append(some, sample{took: took.Seconds()})
		time.Sleep(keyPause)
	}
	return some[1:], nil
}

// end leaves: the client is killed, which hangs the terminal up.
func (t *typist) end() error { return kill(t.cmd) }

// kill ends a client that would not end by itself.
func kill(cmd *exec.Cmd) error {
	err := cmd.Process.Kill()
	_ = cmd.Wait() // it says that it was killed
	return err
}

// echoes measures keys on a terminal while nothing else happens.
func (s served) echoes(keys int) burst {
	return burst{s.name, func(ctx context.Context) ([]sample, error) {
		t, err := s.types(ctx)
		if err != nil {
			return nil, err
		}
		some, err := t.keys(keys)
		return some, errors.Join(err, t.end())
	}}
}

// echoesBeside measures keys on a terminal while a copy comes from the server,
// in another connection, or in the same one.
func (s served) echoesBeside(keys int, same bool) burst {
	return burst{s.name, func(ctx context.Context) ([]sample, error) {
		master := filepath.Join(s.dir, "master")
		copying, typing := s.way, []string(nil)
		if same {
			copying = s.with("-M", "-S", master)
			// A connection of its own would fail.
			typing = []string{"-S", master, "-o", "ProxyCommand=false"}
		}
		// A master that was killed leaves its socket, in which the next one would
		// see another master.
		if err := os.Remove(master); err != nil && !errors.Is(err, os.ErrNotExist) {
			return nil, err
		}
		stop, err := copying.copies(ctx)
		if err != nil {
			return nil, err
		}
		t, err := s.types(ctx, typing...)
		if err != nil {
			return nil, errors.Join(err, stop())
		}
		some, err := t.keys(keys)
		return some, errors.Join(err, t.end(), stop())
	}}
}

// copies has bytes come without an end until stop is called.
func (w way) copies(ctx context.Context) (stop func() error, err error) {
	cmd := w.command(ctx, "exec cat /dev/zero")
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	if _, err := io.ReadFull(out, make([]byte, block)); err != nil {
		return nil, errors.Join(fmt.Errorf("nothing comes: %w", err), kill(cmd))
	}
	drained := make(chan struct{})
	go func() {
		defer close(drained)
		_, _ = io.CopyBuffer(io.Discard, struct{ io.Reader }{out}, make([]byte, block)) // until it is killed
	}()
	return func() error {
		err := cmd.Process.Kill()
		<-drained
		_ = cmd.Wait()
		return err
	}, nil
}

// measureEcho measures keys: alone, beside a copy, and in the copy's connection.
func (s *servers) measureEcho(ctx context.Context, c *comparison) error {
	return s.echoTables(ctx, c, "", s.both(), s.serverPlan, time.Minute)
}

func (s *servers) echoTables(ctx context.Context, c *comparison, prefix string, servers []served, plan serverPlan, total time.Duration) error {
	s.say("measuring %skeys, %d rounds of %d", prefix, plan.KeyRounds, plan.Keys)
	b := bounds{plan.KeyRounds, total, time.Minute}
	var idle, beside, same []burst
	for _, w := range servers {
		idle = append(idle, w.echoes(plan.Keys))
		beside = append(beside, w.echoesBeside(plan.Keys, false))
		same = append(same, w.echoesBeside(plan.Keys, true))
	}
	return errors.Join(
		c.take(inBursts(ctx, prefix+tableEcho, b, idle)),
		c.take(inBursts(ctx, prefix+tableBeside, b, beside)),
		c.take(inBursts(ctx, prefix+tableSame, b, same)))
}
