package sshd

import (
	"bytes"
	"io"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
)

// Descriptors are given out until few are left, whoever has them.
func TestDescriptors(t *testing.T) {
	var limit syscall.Rlimit
	if err := syscall.Getrlimit(syscall.RLIMIT_NOFILE, &limit); err != nil {
		t.Fatal(err)
	}
	most := int(limit.Cur - min(spareDescriptors, limit.Cur/4))
	var d descriptors
	for _, n := range []int{most / 2, most - most/2 - sessionDescriptors} {
		if refusal := d.take(n); refusal != "" {
			t.Fatal(refusal)
		}
	}
	if refusal := d.take(sessionDescriptors); refusal != "" {
		t.Error(refusal)
	}
	if refusal := d.take(1); !strings.Contains(refusal, "few are left") {
		t.Errorf("one more: got %q", refusal)
	}
	d.give(sessionDescriptors)
	if refusal := d.take(sessionDescriptors); refusal != "" {
		t.Errorf("after some were given back: %s", refusal)
	}
}

func TestOpenFiles(t *testing.T) {
	for range 100 { // others of this program may open and close files meanwhile
		before := openFiles()
		f, err := os.Open("/")
		if err != nil {
			t.Fatal(err)
		}
		got := openFiles()
		f.Close()
		if got == before+1 {
			return
		}
	}
	t.Error("one more open file is not seen")
}

// Sftp opens nothing more when few descriptors are left.
func TestSFTPFull(t *testing.T) {
	dir := t.TempDir()
	full := func() string { return "there are too many" }
	for _, kind := range []byte{fxpOpen, fxpOpendir} {
		var out bytes.Buffer
		f := newFilter(bytes.NewReader(packet(kind, 7, "new", []byte{0, 0, 0, 10, 0, 0, 0, 0})), &out, dir)
		f.full = full
		if _, err := f.Read(make([]byte, 10)); err != io.EOF {
			t.Errorf("after the request: %v", err)
		}
		f.flush()
		want := append([]byte{fxpStatus}, 0, 0, 0, 7, 0, 0, 0, 4)
		if got := out.Bytes(); len(got) < 13 || !bytes.Equal(got[4:13], want) || !bytes.Contains(got, []byte(full())) {
			t.Errorf("answered %q, want a failure of request 7 that says why", got)
		}
	}
	if _, err := os.Stat(filepath.Join(dir, "new")); !os.IsNotExist(err) {
		t.Errorf("the file was made: %v", err)
	}
}
