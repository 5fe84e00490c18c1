package sshd

import (
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"golang.org/x/crypto/ssh"

	"perch/entrypoint/internal/sockpath"
)

// x11Request is what a peer sends to have X11 forwarded (RFC 4254, 6.3.1).
type x11Request struct {
	Single   bool
	Protocol string // of the cookie, MIT-MAGIC-COOKIE-1 as a rule
	Cookie   string // in hexadecimal. The client has made it up, and puts the real one in its place
	Screen   uint32
}

func parseX11(payload []byte) (x11Request, error) {
	var x x11Request
	if err := ssh.Unmarshal(payload, &x); err != nil {
		return x, err
	}
	if x.Protocol == "" || len(x.Protocol) > 64 || strings.Trim(x.Protocol, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-0123456789") != "" {
		return x, errors.New("this is no protocol of an X cookie")
	}
	if cookie, err := hex.DecodeString(x.Cookie); err != nil || len(cookie) == 0 || len(cookie) > 256 {
		return x, errors.New("this is no X cookie")
	}
	if x.Screen > 255 {
		return x, errors.New("this is no number of a screen")
	}
	return x, nil
}

// Displays are numbered from 10 on, as sshd does it, so that they stay clear of
// real ones (sshd_config(5), X11DisplayOffset).
const (
	firstDisplay = 10
	lastDisplay  = 999
)

// x11Sockets is where all X clients look for the sockets of local displays.
var x11Sockets = "/tmp/.X11-unix"

// display is a forwarded display of a session.
type display struct {
	request   x11Request
	number    int
	listener  *net.UnixListener
	path      string // of its socket
	authority string // the file with its cookie
	closed    sync.Once
}

// openDisplay makes a display for a session: a socket where every X client looks
// for it, and a cookie file. No port is opened.
func (c *conn) openDisplay(x x11Request) (_ *display, err error) {
	d := &display{request: x}
	if err := d.listen(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			d.close()
		}
	}()
	d.authority = filepath.Join(c.server.Account.Runtime, fmt.Sprintf("xauth.%d", d.number))
	cookie, err := hex.DecodeString(x.Cookie)
	if err != nil {
		return nil, err
	}
	content := authority(d.number, x.Protocol, cookie)
	os.Remove(d.authority) // left by a job before us in the same place
	if err := os.WriteFile(d.authority, content, 0o600); err != nil {
		return nil, err
	}
	c.do(func() { d.serve(c) })
	return d, nil
}

// listen takes the first display that nobody has.
func (d *display) listen() error {
	// As an X server makes it: everybody's, and nobody may remove another's.
	if err := os.Mkdir(x11Sockets, 0o777); err == nil {
		os.Chmod(x11Sockets, 0o777|os.ModeSticky)
	}
	for d.number = firstDisplay; d.number <= lastDisplay; d.number++ {
		d.path = filepath.Join(x11Sockets, fmt.Sprintf("X%d", d.number))
		if taken("@"+d.path) || taken(d.path) {
			continue
		}
		os.Remove(d.path) // of somebody who is dead; fails where it is not ours
		l, err := sockpath.Listen(d.path)
		if err == nil {
			d.listener = l
			return nil
		}
		if _, there := os.Lstat(d.path); there != nil {
			return err // there is no way to make a socket here
		}
	}
	return errors.New("all displays are taken")
}

// taken says whether somebody serves a socket. X clients try the abstract one
// of the name before the file, so that both have to be free.
func taken(name string) bool {
	conn, err := net.Dial("unix", name)
	if err != nil {
		return false
	}
	conn.Close()
	return true
}

// serve opens a channel for each client of the display, or for the first one
// only where the peer wants that.
func (d *display) serve(c *conn) {
	err := accept(d.listener, c.server.Log, func(from net.Conn) {
		c.offer(from.(duplex), "x11", ssh.Marshal(struct {
			Origin string
			Port   uint32
		}{"127.0.0.1", 0}))
		if d.request.Single {
			d.close()
		}
	})
	if err != nil {
		c.server.Log.Printf("a display: %v", err)
	}
}

// close gives the display's number back, once: somebody else may have it then.
func (d *display) close() {
	d.closed.Do(func() {
		d.listener.Close()
		os.Remove(d.path)
		if d.authority != "" {
			os.Remove(d.authority)
		}
	})
}

// forwardX11 makes the session's display.
func (s *session) forwardX11(payload []byte) bool {
	x, err := parseX11(payload)
	if err != nil || s.started || s.display != nil {
		return false
	}
	if s.display, err = s.conn.openDisplay(x); err != nil {
		s.conn.notice("X11 is not forwarded: %v", err)
		return false
	}
	return true
}

func (s *session) closeDisplay() {
	if s.display != nil {
		s.display.close()
	}
}

// environ are the variables by which programs find the display.
func (d *display) environ() []string {
	return []string{fmt.Sprintf("DISPLAY=:%d.%d", d.number, d.request.Screen), "XAUTHORITY=" + d.authority}
}
