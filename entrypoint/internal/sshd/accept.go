package sshd

import (
	"errors"
	"fmt"
	"log"
	"net"
	"slices"
	"syscall"
	"time"
)

// fewResources are the errors of accept(2) that go by when somebody closes
// something, or that are the peer's alone.
var fewResources = []error{syscall.EMFILE, syscall.ENFILE, syscall.ENOBUFS, syscall.ENOMEM, syscall.ECONNABORTED}

// acceptPause is how long accept waits after one of them.
const acceptPause = 100 * time.Millisecond

// accept hands each connection of l to serve, until l is closed or accepting fails
// for good; then it says why.
func accept(l net.Listener, log *log.Logger, serve func(net.Conn)) error {
	for {
		from, err := l.Accept()
		switch {
		case err == nil:
			serve(from)
		case errors.Is(err, net.ErrClosed):
			return nil
		case slices.ContainsFunc(fewResources, func(few error) bool { return errors.Is(err, few) }):
			log.Printf("accepting a connection: %v; trying again", err)
			time.Sleep(acceptPause)
		default:
			return fmt.Errorf("accepting a connection at %s: %w", l.Addr(), err)
		}
	}
}
