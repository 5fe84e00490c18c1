package sshd

import (
	"bytes"
	"encoding/binary"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/crypto/ssh"
)

// answers returns what a server of dir answers to requests, packet for packet.
func answers(t *testing.T, dir string, requests io.Reader) (packets [][]byte) {
	t.Helper()
	var out bytes.Buffer
	filter := newFilter(requests, &out, dir)
	server, err := filter.server()
	if err == nil {
		err = server.Serve()
	}
	filter.flush()
	if err != nil {
		t.Fatal(err)
	}
	for b := out.Bytes(); len(b) > 0; {
		n := binary.BigEndian.Uint32(b)
		packets, b = append(packets, b[4:4+n]), b[4+n:]
	}
	return packets
}

// Whoever asks for as much at once as the limits say gets it.
func TestSFTPLimits(t *testing.T) {
	dir := t.TempDir()
	content := bytes.Repeat([]byte("perch"), maxSFTPData/5)
	if err := os.WriteFile(filepath.Join(dir, "f"), content, 0o600); err != nil {
		t.Fatal(err)
	}
	read := func(n uint32) []byte { return binary.BigEndian.AppendUint32(make([]byte, 8), n) }
	var requests bytes.Buffer
	requests.Write([]byte{0, 0, 0, 5, fxpInit, 0, 0, 0, 3})
	requests.Write(packet(fxpExtended, 1, limitsExtension))
	requests.Write(packet(fxpOpen, 2, "f", []byte{0, 0, 0, 1, 0, 0, 0, 0}))
	requests.Write(packet(fxpRead, 3, "1", read(maxSFTPData)))
	requests.Write(packet(fxpRead, 4, "1", read(1<<31))) // asks for more
	got := answers(t, dir, &requests)
	if len(got) != 5 {
		t.Fatalf("%d answers: %.40q", len(got), got)
	}
	if !bytes.HasPrefix(got[0], []byte{fxpVersion, 0, 0, 0, 3}) || !bytes.Contains(got[0], []byte(limitsExtension)) {
		t.Errorf("INIT: %q", got[0])
	}
	want := []byte{fxpExtendedReply, 0, 0, 0, 1}
	for _, limit := range []uint64{maxSFTPPacket, maxSFTPData, maxSFTPData, 0} {
		want = binary.BigEndian.AppendUint64(want, limit)
	}
	if !bytes.Equal(got[1], want) {
		t.Errorf("limits: %x, want %x", got[1], want)
	}
	for _, data := range got[3:] {
		if len(data) < 9 || !bytes.Equal(data[9:], content) {
			t.Errorf("READ: %d bytes, %.20q", len(data), data)
		}
	}
}

// A path that is too long costs its request and no more; a packet that is, the
// session, which is said.
func TestSFTPSizes(t *testing.T) {
	got := answers(t, t.TempDir(), bytes.NewReader(packet(fxpMkdir, 1, strings.Repeat("x", maxSFTPPacket-100))))
	if len(got) != 1 || !bytes.HasPrefix(got[0], []byte{fxpStatus, 0, 0, 0, 1, 0, 0, 0, 5}) || !bytes.Contains(got[0], []byte("file name too long")) {
		t.Errorf("answered %q", got)
	}
	s := serve(t, nil)
	channel, requests := s.raw(s.connect())
	go ssh.DiscardRequests(requests)
	if ok, err := channel.SendRequest("subsystem", true, ssh.Marshal(struct{ Name string }{"sftp"})); !ok || err != nil {
		t.Fatal(ok, err)
	}
	go channel.Write(packet(fxpMkdir, 1, strings.Repeat("x", maxSFTPPacket)))
	said, err := io.ReadAll(channel.Stderr())
	if err != nil || string(said) != "perch: ending sftp: an sftp packet of 262153 bytes came, and 262144 are the limit; use another client\n" {
		t.Errorf("the user is told %q, %v", said, err)
	}
}

// Other extensions are pkg/sftp's; what nobody knows is refused.
func TestSFTPExtensions(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	path := func(name string) []byte { return append([]byte{0, 0, 0, byte(len(name))}, name...) }
	var requests bytes.Buffer
	requests.Write(packet(fxpExtended, 1, "hardlink@openssh.com", path("f"), path("g")))
	requests.Write(packet(fxpExtended, 2, "nobody@example.org", path("f")))
	got := answers(t, dir, &requests)
	if len(got) != 2 || !bytes.HasPrefix(got[0], []byte{fxpStatus, 0, 0, 0, 1, 0, 0, 0, 0}) || !bytes.HasPrefix(got[1], []byte{fxpStatus, 0, 0, 0, 2, 0, 0, 0, 8}) {
		t.Errorf("answered %q", got)
	}
	if _, err := os.Stat(filepath.Join(dir, "g")); err != nil {
		t.Error(err)
	}
}
