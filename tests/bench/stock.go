package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
)

// stockClient is the configuration of the stock ssh for a server on a unix
// socket of this machine. Both servers get the same client, which sends each key
// at once: since OpenSSH 9.5 it would hide the times of keys by a pause.
const stockClient = `Host server
	ProxyCommand %[2]s connect %[1]s/sock
	ProxyUseFdpass yes
	IdentityFile %[1]s/key
	IdentitiesOnly yes
	UserKnownHostsFile %[1]s/known_hosts
	StrictHostKeyChecking yes
	Ciphers aes128-gcm@openssh.com
	IgnoreUnknown ObscureKeystrokeTiming
	ObscureKeystrokeTiming no
`

// makeKeys makes dir with a host key, a user's key and what a client needs for
// the server at dir/sock.
func (p place) makeKeys(ctx context.Context, dir string) error {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return err
	}
	for _, name := range []string{"host_key", "key"} {
		keygen := exec.CommandContext(ctx, "ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", filepath.Join(dir, name))
		if out, err := keygen.CombinedOutput(); err != nil {
			return fmt.Errorf("ssh-keygen: %w: %s", err, out)
		}
	}
	host, err := os.ReadFile(filepath.Join(dir, "host_key.pub"))
	return errors.Join(err,
		os.WriteFile(filepath.Join(dir, "known_hosts"), append([]byte("server "), host...), 0o600),
		os.WriteFile(filepath.Join(dir, "client"), fmt.Appendf(nil, stockClient, dir, p.self), 0o600))
}

// stockWay is the stock ssh to a server for which makeKeys has made dir. Its
// ProxyCommand runs in the user's shell, which here shall do nothing of its own.
func stockWay(name, dir string) way {
	return way{name: name, argv: []string{"ssh", "-F", filepath.Join(dir, "client"), "server"},
		env: []string{"SHELL=/bin/sh", "BASH_ENV=", "ENV="}}
}

// with is the way with more options of ssh's.
func (w way) with(options ...string) way {
	last := len(w.argv) - 1
	w.argv = append(append(append([]string{}, w.argv[:last]...), options...), w.argv[last])
	return w
}
