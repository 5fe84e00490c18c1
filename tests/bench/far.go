package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"path/filepath"
	"sync"
	"time"
)

// checked is what the long line was found to do in the run.
type checked struct {
	// RoundTrips are those of single bytes, in seconds.
	RoundTrips Values
	// Rate is what one direction carries, in bytes a second.
	Rate float64
}

// pings is how many single bytes go over the line to check its delay.
const pings = 30

// measureFar measures all over the long line.
func (s *servers) measureFar(ctx context.Context, c *comparison) (err error) {
	s.say("checking the long line")
	if c.Line, err = s.checkLine(ctx); err != nil {
		return fmt.Errorf("checking the long line: %w", err)
	}
	var far []served
	for _, w := range s.both() {
		moved, stop, err := s.moveAway(ctx, w)
		if err != nil {
			return err
		}
		defer func() { err = errors.Join(err, stop()) }()
		far = append(far, moved)
	}
	slow := serverPlan{Sequence: s.Far, Crowds: s.FarCrowds, Crowd: s.Crowd, Keys: s.Keys / 4, KeyRounds: s.KeyRounds}
	return errors.Join(
		s.measureHeld(ctx, &c.FarMemory, far),
		s.sessionTables(ctx, c, farPrefix, far, slow, abreast, 30*time.Minute),
		s.echoTables(ctx, c, farPrefix, far, slow, 2*time.Minute),
		s.copyTables(ctx, c, farPrefix, far, s.FarSize, bounds{s.FarCopies, 40 * time.Second, time.Minute}))
}

// moveAway puts the long line before a server.
func (s *servers) moveAway(ctx context.Context, w served) (served, func() error, error) {
	sock, stop, err := s.layLine(ctx, w.name, filepath.Join(w.dir, "sock"))
	w.way = w.with("-o", "ProxyCommand="+s.self+" "+connectWord+" "+sock)
	return w, stop, err
}

// layLine serves a line to the socket at path.
func (s *servers) layLine(ctx context.Context, name, path string) (sock string, stop func() error, err error) {
	sock = filepath.Join(s.home, "far-"+name)
	l, err := net.Listen("unix", sock)
	if err != nil {
		return "", nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	served := make(chan error, 1)
	go func() { served <- farLine.Serve(ctx, l, path) }()
	return sock, func() error { cancel(); return <-served }, nil
}

// checkLine measures the line itself, by a server that sends back a byte for
// each that it gets alone, and one at the end of many.
func (s *servers) checkLine(ctx context.Context) (c checked, err error) {
	path := filepath.Join(s.home, "mirror")
	l, err := net.Listen("unix", path)
	if err != nil {
		return c, err
	}
	var mirroring sync.WaitGroup
	mirroring.Go(func() { mirror(l) })
	defer mirroring.Wait()
	defer l.Close()
	sock, stop, err := s.layLine(ctx, "mirror", path)
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, stop()) }()
	conn, err := net.Dial("unix", sock)
	if err != nil {
		return c, err
	}
	defer conn.Close()
	return checkOver(conn)
}

// many is how many bytes check the line's rate.
const many = 64 << 20

func checkOver(conn net.Conn) (c checked, err error) {
	one := []byte{0}
	for range pings {
		began := time.Now()
		if _, err := conn.Write(one); err != nil {
			return c, err
		}
		if _, err := io.ReadFull(conn, one); err != nil {
			return c, err
		}
		c.RoundTrips = append(c.RoundTrips, time.Since(began).Seconds())
	}
	began := time.Now()
	if _, err := conn.Write(make([]byte, many)); err != nil {
		return c, err
	}
	if _, err := io.ReadFull(conn, one); err != nil {
		return c, err
	}
	c.Rate = many / (time.Since(began).Seconds() - c.RoundTrips.Median())
	return c, nil
}

// mirror serves one connection of checkOver.
func mirror(l net.Listener) {
	conn, err := l.Accept()
	if err != nil {
		return
	}
	defer conn.Close()
	one := []byte{0}
	for range pings {
		if _, err := io.ReadFull(conn, one); err != nil {
			return
		}
		if _, err := conn.Write(one); err != nil {
			return
		}
	}
	if _, err := io.CopyN(io.Discard, conn, many); err == nil {
		_, _ = conn.Write(one) // the other side sees that it is missing
	}
}
