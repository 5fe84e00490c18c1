package conformance

import (
	"strings"
	"testing"
)

// A client that insists on SHA-1, or on CBC, is told by name what it does not
// get, and what there is instead.
func testSHA1(t *testing.T, j job) {
	for name, test := range map[string]struct {
		o    options
		says string
	}{
		"host key":     {options{"-o", "HostKeyAlgorithms=ssh-rsa"}, "no matching host key type found. Their offer: ssh-ed25519"},
		"key exchange": {options{"-o", "KexAlgorithms=diffie-hellman-group14-sha1"}, "no matching key exchange method found. Their offer: mlkem768x25519-sha256"},
		"old exchange": {options{"-o", "KexAlgorithms=diffie-hellman-group1-sha1"}, "no matching key exchange method found. Their offer: mlkem768x25519-sha256"},
		"MAC":          {options{"-c", "aes128-ctr", "-m", "hmac-sha1"}, "no matching MAC found. Their offer: hmac-sha2-256-etm@openssh.com"},
		"etm":          {options{"-c", "aes128-ctr", "-m", "hmac-sha1-etm@openssh.com"}, "no matching MAC found. Their offer: hmac-sha2-256-etm@openssh.com"},
		"aes128-cbc":   {options{"-c", "aes128-cbc"}, "no matching cipher found. Their offer: "},
		"aes256-cbc":   {options{"-c", "aes256-cbc"}, "no matching cipher found. Their offer: "},
		"3des-cbc":     {options{"-c", "3des-cbc"}, "no matching cipher found. Their offer: "},
	} {
		t.Run(name, func(t *testing.T) {
			r := j.ssh(t, test.o, "echo in")
			if !strings.HasPrefix(r.stderr, "Unable to negotiate with ") || !strings.Contains(r.stderr, ": "+test.says) || r.stdout != "" || r.code != 255 {
				t.Errorf("got %+v", r)
			}
		})
	}
	// The client knows from the server's list that such a signature is none.
	r := j.withKey(t, "rsa", "-v", "-o", "PubkeyAcceptedAlgorithms=ssh-rsa")
	r.refused(t, "a signature with SHA-1")
	if !strings.Contains(r.stderr, "no mutual signature algorithm") {
		t.Errorf("a signature with SHA-1: got %+v", r)
	}
}
