package sshd

import (
	"bytes"
	"fmt"
	"net"
	"time"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/cpu"

	"perch/entrypoint/contract"
)

// maxKeys bounds the keys that are taken from a file.
const maxKeys = 1000

// ParseAuthorizedKeys reads a file of public keys (sshd(8), AUTHORIZED_KEYS FILE
// FORMAT). Lines that cannot be used are said in notes. A key with options is
// one of them: options restrict a key, and Perch does not implement them.
func ParseAuthorizedKeys(content []byte) (keys []ssh.PublicKey, notes []string) {
	for i, line := range bytes.Split(content, []byte("\n")) {
		line = bytes.TrimSpace(line)
		if len(line) == 0 || line[0] == '#' {
			continue
		}
		key, _, options, _, err := ssh.ParseAuthorizedKey(line)
		switch {
		case err != nil:
			notes = append(notes, fmt.Sprintf("authorized key in line %d: %v", i+1, err))
		case len(options) > 0:
			notes = append(notes, fmt.Sprintf("authorized key in line %d: left out, since perch does not know its option %q", i+1, options[0]))
		case len(keys) >= maxKeys:
			return keys, append(notes, fmt.Sprintf("only the first %d authorized keys are used", maxKeys))
		default:
			keys = append(keys, key)
		}
	}
	return keys, notes
}

// serverConfig lets the authorized keys in under any user name, by today's
// algorithms only.
func serverConfig(hostKey ssh.Signer, authorized []ssh.PublicKey) *ssh.ServerConfig {
	allowed := map[string]bool{}
	for _, key := range authorized {
		allowed[string(key.Marshal())] = true
	}
	config := &ssh.ServerConfig{
		ServerVersion: contract.Banner(),
		PublicKeyCallback: func(_ ssh.ConnMetadata, key ssh.PublicKey) (*ssh.Permissions, error) {
			if !allowed[string(key.Marshal())] {
				return nil, fmt.Errorf("the key %s may not log in", ssh.FingerprintSHA256(key))
			}
			return &ssh.Permissions{ExtraData: map[any]any{"key": ssh.FingerprintSHA256(key)}}, nil
		},
	}
	config.KeyExchanges = []string{
		ssh.KeyExchangeMLKEM768X25519, // against who records today and computes later
		ssh.KeyExchangeCurve25519,     // for clients without it
	}
	// x/crypto's own list has ssh-rsa, whose signatures are made with SHA-1.
	config.PublicKeyAuthAlgorithms = []string{
		ssh.KeyAlgoED25519, ssh.KeyAlgoSKED25519, ssh.KeyAlgoECDSA256, ssh.KeyAlgoECDSA384, ssh.KeyAlgoECDSA521,
		ssh.KeyAlgoSKECDSA256, ssh.KeyAlgoRSASHA256, ssh.KeyAlgoRSASHA512,
	}
	config.Ciphers = ciphers(cpu.X86.HasAES || cpu.ARM64.HasAES)
	// The last one is for Dropbear's dbclient, which has no other.
	config.MACs = []string{ssh.HMACSHA256ETM, ssh.HMACSHA512ETM, ssh.HMACSHA256}
	config.AddHostKey(hostKey)
	return config
}

// ciphers are the ciphers that are offered. The client's order decides, and
// OpenSSH's client up to 9.9 has ChaCha20 first, which x/crypto does at a
// fraction of the speed of AES where the processor has that. So it is offered
// where the processor has not.
func ciphers(aes bool) []string {
	offered := []string{
		ssh.CipherAES128GCM, ssh.CipherAES256GCM,
		ssh.CipherAES128CTR, ssh.CipherAES192CTR, ssh.CipherAES256CTR,
	}
	if !aes {
		offered = append([]string{ssh.CipherChaCha20Poly1305}, offered...)
	}
	return offered
}

// login leads a new connection to its log-in.
func (s *Server) login(raw net.Conn) (*conn, <-chan ssh.NewChannel, <-chan *ssh.Request, error) {
	raw.SetDeadline(time.Now().Add(s.LoginGrace))
	peer, channels, requests, err := ssh.NewServerConn(newWire(raw, s.weigh), s.ssh)
	if err != nil {
		return nil, nil, nil, err
	}
	raw.SetDeadline(time.Time{})
	s.Log.Printf("%q logged in with %s, client %.64q", peer.User(), peer.Permissions.ExtraData["key"], peer.ClientVersion())
	return newConn(s, raw, peer), channels, requests, nil
}

// logRefused logs why a login failed. A peer that goes away without having
// tried is none: keep reads the banner like that to see whether the way stands.
func (s *Server) logRefused(err error) {
	if gone(err) {
		return
	}
	s.Log.Printf("a login failed: %.400v", err)
}
