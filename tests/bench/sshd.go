package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// sshdConfig lets the user log in as himself, all that sshd can do without
// being root.
const sshdConfig = `HostKey %[1]s/host_key
AuthorizedKeysFile %[1]s/key.pub
StrictModes no
UsePAM no
PidFile none
SetEnv HOME=%[1]s
Subsystem sftp internal-sftp
Ciphers aes128-gcm@openssh.com
`

// sshd is OpenSSH's server on a unix socket, one process per connection.
type sshd struct {
	way
	stop func()
}

// startSSHD serves until stop is called or ctx ends.
func (p place) startSSHD(ctx context.Context) (*sshd, error) {
	dir := filepath.Join(p.home, "sshd")
	if err := p.writeSSHD(ctx, dir); err != nil {
		return nil, fmt.Errorf("setting up OpenSSH's sshd: %w", err)
	}
	l, err := net.Listen("unix", filepath.Join(dir, "sock"))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var serving sync.WaitGroup
	serving.Go(func() { serveSSHD(ctx, l, dir) })
	context.AfterFunc(ctx, func() { l.Close() })
	d := &sshd{way: stockWay(bySSHD, dir)}
	d.stop = func() { cancel(); serving.Wait() }
	if _, err := d.output(ctx, "true"); err != nil {
		d.stop()
		log, _ := os.ReadFile(filepath.Join(dir, "log"))
		return nil, fmt.Errorf("%w\n%s", err, log)
	}
	return d, nil
}

func (p place) writeSSHD(ctx context.Context, dir string) error {
	if err := p.makeKeys(ctx, dir); err != nil {
		return err
	}
	if os.Geteuid() == 0 { // where it shuts itself in before anybody has logged in
		if err := os.MkdirAll("/run/sshd", 0o755); err != nil {
			return err
		}
	}
	return os.WriteFile(filepath.Join(dir, "config"), fmt.Appendf(nil, sshdConfig, dir), 0o600)
}

// serveSSHD gives each connection to an sshd -i, as inetd would.
func serveSSHD(ctx context.Context, l net.Listener, dir string) {
	var running sync.WaitGroup
	defer running.Wait()
	for {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		running.Go(func() { inetd(ctx, conn.(*net.UnixConn), dir) })
	}
}

func inetd(ctx context.Context, conn *net.UnixConn, dir string) {
	file, err := conn.File()
	conn.Close()
	if err != nil {
		return
	}
	defer file.Close()
	cmd := exec.CommandContext(ctx, "/usr/sbin/sshd", "-i", "-f", filepath.Join(dir, "config"), "-E", filepath.Join(dir, "log"))
	cmd.Stdin, cmd.Stdout = file, file
	_ = cmd.Run() // a client that goes leaves its status there; the log has it
}
