// Package sockpath names unix sockets whose paths may be longer than a socket
// address can hold.
package sockpath

import (
	"fmt"
	"net"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Max is the number of bytes that a path in a socket address may have
// (unix(7): sun_path has 108, with the zero at the end).
const Max = 107

// Shorten returns a name for path that fits a socket address: path itself or,
// where that is too long, one through /proc/self/fd. The name is good until
// done is called.
func Shorten(path string) (name string, done func(), err error) {
	if len(path) <= Max {
		return path, func() {}, nil
	}
	dir, err := unix.Open(filepath.Dir(path), unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return "", nil, &os.PathError{Op: "open", Path: filepath.Dir(path), Err: err}
	}
	name = fmt.Sprintf("/proc/self/fd/%d/%s", dir, filepath.Base(path))
	if len(name) > Max {
		unix.Close(dir)
		return "", nil, fmt.Errorf("the socket's name %q is too long", filepath.Base(path))
	}
	return name, func() { unix.Close(dir) }, nil
}

// Listen listens on a unix socket that it makes at path, which only this user
// may connect to. The file stays when the listener is closed.
func Listen(path string) (*net.UnixListener, error) {
	name, done, err := Shorten(path)
	if err != nil {
		return nil, err
	}
	defer done()
	l, err := net.ListenUnix("unix", &net.UnixAddr{Name: name, Net: "unix"})
	if err != nil {
		return nil, err
	}
	l.SetUnlinkOnClose(false)
	if err := os.Chmod(path, 0o600); err != nil {
		l.Close()
		return nil, err
	}
	return l, nil
}

// Dial connects to the unix socket at path.
func Dial(path string) (*net.UnixConn, error) {
	name, done, err := Shorten(path)
	if err != nil {
		return nil, err
	}
	defer done()
	return net.DialUnix("unix", nil, &net.UnixAddr{Name: name, Net: "unix"})
}
