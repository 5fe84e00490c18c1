package sshd

import (
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/pkg/sftp"
)

// testWrite is WRITE.
const testWrite = 6

// sftpClient is a client of a server that works in dir.
func sftpClient(t *testing.T, dir string) *sftp.Client {
	t.Helper()
	requests, toServer := io.Pipe()
	answers, toClient := io.Pipe()
	filter := newFilter(requests, toClient, dir)
	server, err := filter.server()
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- server.Serve(); filter.flush(); toClient.Close() }()
	client, err := sftp.NewClientPipe(answers, toServer, sftp.UseConcurrentWrites(true))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		client.Close()
		if err := <-done; err != nil {
			t.Errorf("serving: %v", err)
		}
	})
	return client
}

func TestSFTPRemovesWhatIsNamed(t *testing.T) {
	dir := t.TempDir()
	client := sftpClient(t, dir)
	file, folder := filepath.Join(dir, "file"), filepath.Join(dir, "folder")
	if err := errors.Join(os.WriteFile(file, []byte("kept"), 0o600), os.Mkdir(folder, 0o700)); err != nil {
		t.Fatal(err)
	}
	// Client.Remove tries both requests, as RemoveDirectory does not.
	if err := client.RemoveDirectory("file"); err == nil {
		t.Error("RMDIR of a file is no error")
	}
	if got, err := os.ReadFile(file); string(got) != "kept" {
		t.Errorf("after RMDIR the file holds %q, %v", got, err)
	}
	if err := client.RemoveDirectory("folder"); err != nil {
		t.Error(err)
	}
	if err := client.Remove(file); err != nil {
		t.Error(err)
	}
	if err := client.Remove(file); !os.IsNotExist(err) {
		t.Errorf("a missing file: %v", err)
	}
	if left, err := os.ReadDir(dir); len(left) != 0 || err != nil {
		t.Errorf("left: %v, %v", left, err)
	}
}

func TestSFTPRemoveKeepsDirectories(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "d"), 0o700); err != nil {
		t.Fatal(err)
	}
	var out bytes.Buffer
	f := newFilter(bytes.NewReader(packet(fxpRemove, 7, "d")), &out, dir)
	if _, err := f.Read(make([]byte, 10)); err != io.EOF {
		t.Errorf("after the request: %v", err)
	}
	f.flush()
	if _, err := os.Stat(filepath.Join(dir, "d")); err != nil {
		t.Errorf("REMOVE took the directory: %v", err)
	}
	want := append([]byte{fxpStatus}, 0, 0, 0, 7, 0, 0, 0, 4)
	if got := out.Bytes(); len(got) < 13 || !bytes.Equal(got[4:13], want) {
		t.Errorf("answered %x, want a failure of request 7", got)
	}
}

func TestSFTPRenameNeverReplaces(t *testing.T) {
	dir := t.TempDir()
	client := sftpClient(t, dir)
	for name, content := range map[string]string{"a": "a", "b": "b"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := client.Rename("a", "b"); err == nil {
		t.Error("RENAME over another file is no error")
	}
	if err := client.PosixRename("a", "b"); err != nil {
		t.Error(err)
	}
	if err := client.Rename("b", "c"); err != nil {
		t.Error(err)
	}
	if got, err := os.ReadFile(filepath.Join(dir, "c")); string(got) != "a" {
		t.Errorf("c holds %q, %v", got, err)
	}
}

func TestSFTPMkdirMode(t *testing.T) {
	for attributes, want := range map[string]uint32{
		"":                                 0o777,
		"\x00\x00\x00\x00":                 0o777,
		"\x00\x00\x00\x04\x00\x00\x01\xc0": 0o700,
		"\x00\x00\x00\x04\x00\x00":         0o777,
		"\x00\x00\x00\x06IDs  IDs\x00\x00\x41\xc0": 0o700,
	} {
		if got := directoryMode([]byte(attributes)); got != want {
			t.Errorf("%q: %o, want %o", attributes, got, want)
		}
	}
}

// newFile begins requests that write a new file "f", whose handle is "1".
func newFile() (requests bytes.Buffer) {
	const open = 3
	requests.Write([]byte{0, 0, 0, 5, 1, 0, 0, 0, 3}) // INIT
	flags := binary.BigEndian.AppendUint32(nil, 2|8)  // write, create
	requests.Write(packet(open, 1, "f", flags, []byte{0, 0, 0, 0}))
	return requests
}

// serveSFTP serves requests, which were all sent at once, in dir.
func serveSFTP(t *testing.T, dir string, requests io.Reader) {
	t.Helper()
	filter := newFilter(requests, io.Discard, dir)
	defer filter.flush()
	server, err := filter.server()
	if err == nil {
		err = server.Serve()
	}
	if err != nil {
		t.Fatal(err)
	}
}

// A SETSTAT sets the time after all WRITEs before it.
func TestSFTPOrder(t *testing.T) {
	dir := t.TempDir()
	then := time.Unix(1e9, 0)
	const setstat = 9
	requests := newFile()
	block := make([]byte, 100_000)
	for i := range 200 {
		body := binary.BigEndian.AppendUint64(nil, uint64(i*len(block)))
		body = append(binary.BigEndian.AppendUint32(body, uint32(len(block))), block...)
		requests.Write(packet(testWrite, uint32(2+i), "1", body)) // the first handle
	}
	times := []byte{0, 0, 0, 8}
	times = binary.BigEndian.AppendUint32(times, uint32(then.Unix()))
	times = binary.BigEndian.AppendUint32(times, uint32(then.Unix()))
	requests.Write(packet(setstat, 1000, "f", times))
	serveSFTP(t, dir, &requests)
	info, err := os.Stat(filepath.Join(dir, "f"))
	if err != nil || info.Size() != int64(200*len(block)) || !info.ModTime().Equal(then) {
		t.Errorf("got %v, %v", info, err)
	}
}

// Of two WRITEs to the same place the later one counts.
func TestSFTPOverlap(t *testing.T) {
	dir := t.TempDir()
	requests := newFile()
	const size, rounds = 32 << 10, 500
	for i := range rounds {
		at := binary.BigEndian.AppendUint64(nil, uint64(i*size))
		old := append(binary.BigEndian.AppendUint32(at, size), bytes.Repeat([]byte("o"), size)...)
		requests.Write(packet(testWrite, uint32(2*i+2), "1", old))
		requests.Write(packet(testWrite, uint32(2*i+3), "1", at, []byte{0, 0, 0, 1, 'n'}))
	}
	serveSFTP(t, dir, &requests)
	got, err := os.ReadFile(filepath.Join(dir, "f"))
	if err != nil || len(got) != rounds*size {
		t.Fatalf("%d bytes, %v", len(got), err)
	}
	for i := range rounds {
		if got[i*size] != 'n' || got[i*size+1] != 'o' {
			t.Fatalf("at %d: %q, the earlier WRITE", i*size, got[i*size:i*size+2])
		}
	}
}

// What the filter does not answer passes as it is, whatever it is.
func FuzzFilter(f *testing.F) {
	f.Add(packet(fxpExtended, 1, "statvfs@openssh.com", []byte{0, 0, 0, 1, '/'}))
	f.Add(append(packet(fxpRead, 1, "1"), packet(testWrite, 2, "handle")...))
	f.Add([]byte{0xff, 0xff, 0xff, 0xff, fxpRead})
	f.Fuzz(func(t *testing.T, in []byte) {
		for rest := in; len(rest) > 4; {
			// What changes no file.
			switch rest[4] {
			case fxpInit, fxpRemove, fxpMkdir, fxpRmdir, fxpRename:
				return
			case fxpExtended:
				if r, err := parseFileRequest(fxpExtended, rest[5:]); err != nil || !handsOn(r.name) {
					return
				}
			}
			next := 4 + int64(binary.BigEndian.Uint32(rest))
			if next > int64(len(rest)) {
				break
			}
			rest = rest[next:]
		}
		filter := newFilter(bytes.NewReader(in), io.Discard, "/")
		defer filter.flush()
		buf := make([]byte, 7)
		var out []byte
		for {
			n, err := filter.Read(buf)
			out = append(out, buf[:n]...)
			if err != nil {
				break
			}
			// Each is answered at once.
			if len(filter.head) == 0 && filter.left == 0 {
				if _, err := filter.Write([]byte{0, 0, 0, 1, fxpStatus}); err != nil {
					t.Fatal(err)
				}
			}
		}
		if !bytes.HasPrefix(in, out) {
			t.Errorf("%x came out as %x", in, out)
		}
	})
}

// What the filter answers itself is read in one way only.
func FuzzFileRequest(f *testing.F) {
	for _, request := range [][]byte{
		packet(fxpRemove, 1, "file"), packet(fxpMkdir, 2, "folder", []byte{0, 0, 0, 4, 0, 0, 1, 0xc0}), packet(fxpMkdir, 3, "folder"),
		packet(fxpRename, 4, "from", []byte{0, 0, 0, 2, 't', 'o'}), packet(fxpExtended, 5, limitsExtension), {0, 0, 0, 5, fxpInit, 0, 0, 0, 3},
	} {
		f.Add(request[4], request[5:])
	}
	f.Fuzz(func(t *testing.T, kind byte, body []byte) {
		r, err := parseFileRequest(kind, body)
		if err != nil {
			return
		}
		var rest []byte
		switch kind {
		case fxpMkdir:
			rest = binary.BigEndian.AppendUint32([]byte{0, 0, 0, 4}, r.mode)
		case fxpRename:
			rest = append(binary.BigEndian.AppendUint32(nil, uint32(len(r.to))), r.to...)
		}
		if again, err := parseFileRequest(kind, packet(kind, r.id, r.name, rest)[5:]); again != r || err != nil {
			t.Errorf("%+v is read again as %+v, %v", r, again, err)
		}
		handsOn(r.name)
	})
}

// packet is a request that begins with an id and a string.
func packet(kind byte, id uint32, text string, rest ...[]byte) []byte {
	body := binary.BigEndian.AppendUint32([]byte{kind}, id)
	body = append(binary.BigEndian.AppendUint32(body, uint32(len(text))), text...)
	body = append(body, bytes.Join(rest, nil)...)
	return append(binary.BigEndian.AppendUint32(nil, uint32(len(body))), body...)
}
