package sshd

import (
	"slices"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

func TestParseAuthorizedKeys(t *testing.T) {
	key := strings.TrimSpace(string(ssh.MarshalAuthorizedKey(newSigner(t).PublicKey())))
	content := "# comment\n\n" + key + " with a comment\nnonsense\n  " + key + "\r\ncommand=\"x\" " + key + "\nssh-ed25519 AAAA\n"
	keys, notes := ParseAuthorizedKeys([]byte(content))
	if len(keys) != 2 || len(notes) != 3 {
		t.Fatalf("got %d keys and notes %q", len(keys), notes)
	}
	if !strings.Contains(notes[1], `line 6: left out, since perch does not know its option "command=\"x\""`) {
		t.Errorf("got %q", notes[1])
	}
}

func FuzzParseAuthorizedKeys(f *testing.F) {
	key := ssh.MarshalAuthorizedKey(newSigner(f).PublicKey())
	f.Add(key)
	f.Add([]byte("from=\"1.2.3.4\",no-pty " + string(key)))
	f.Add([]byte("ssh-rsa AAAA\n\x00\xff \"\n#"))
	f.Fuzz(func(t *testing.T, content []byte) {
		keys, _ := ParseAuthorizedKeys(content)
		if len(keys) > maxKeys {
			t.Errorf("%d keys", len(keys))
		}
		for _, key := range keys {
			again, notes := ParseAuthorizedKeys(ssh.MarshalAuthorizedKey(key))
			if len(again) != 1 || string(again[0].Marshal()) != string(key.Marshal()) {
				t.Errorf("a key reads otherwise the second time: %q", notes)
			}
		}
	})
}

// ChaCha20 is offered, and first, where AES would be slow.
func TestCiphers(t *testing.T) {
	for _, aes := range []bool{true, false} {
		at := slices.Index(ciphers(aes), ssh.CipherChaCha20Poly1305)
		if want := map[bool]int{true: -1, false: 0}[aes]; at != want {
			t.Errorf("with AES in the processor %v: ChaCha20 is at %d, want %d", aes, at, want)
		}
	}
}
