package sshd

import (
	"encoding/binary"
	"errors"
	"io"
	"os"
	"path"
	"sync"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// The packets that the filter knows by number (draft-ietf-secsh-filexfer-02, 3).
const (
	fxpOpen    = 3
	fxpRead    = 5
	fxpOpendir = 11
	fxpRemove  = 13
	fxpMkdir   = 14
	fxpRmdir   = 15
	fxpRename  = 18
	fxpStatus  = 101
)

// maxPath limits what the filter keeps in memory of one packet: two paths of
// PATH_MAX and attributes.
const maxPath = 16 << 10

// filter stands between the channel and the sftp server of pkg/sftp, which
// works at several requests at a time and is not exact about some:
//
//   - A request other than READ waits until all before it have their answer, and
//     all after it wait for its own. Otherwise a WRITE overtakes one to the same
//     place, or a SETSTAT the WRITE whose time it should set. OpenSSH's server
//     takes one request at a time.
//   - REMOVE, RMDIR, MKDIR and RENAME are answered here. pkg/sftp removes files
//     by RMDIR and directories by REMOVE, makes directories readable by
//     everyone, and renames over a file that exists.
//   - OPEN and OPENDIR are refused here when full says why.
type filter struct {
	in  io.Reader
	out *batches
	dir string // where relative paths start
	// full says in words for the user why no more files may be opened, else "";
	// nil where any number may.
	full    func() (refusal string)
	refusal string // of the present request

	left  int    // bytes of the present request that are still to be read
	head  []byte // and bytes of it that have been read already
	alone bool   // the last request was no READ

	mu       sync.Mutex
	answered *sync.Cond
	waiting  int // requests without a whole answer
	answer   int // bytes of the present answer that are still to be written
	length   []byte
	broken   error // no answer gets out any more
}

func newFilter(in io.Reader, out io.Writer, dir string) *filter {
	f := &filter{in: in, out: newBatches(out), dir: dir}
	f.answered = sync.NewCond(&f.mu)
	return f
}

// Close does nothing: what was answered and the channel's exit status are still
// to come.
func (f *filter) Close() error { return nil }

// flush returns when all answers are written, after which there are none.
func (f *filter) flush() { f.out.close() }

// Read hands on the requests that pkg/sftp answers. It belongs to one goroutine.
func (f *filter) Read(p []byte) (int, error) {
	for len(f.head) == 0 && f.left == 0 {
		if err := f.next(); err != nil {
			return 0, err
		}
	}
	if len(f.head) > 0 {
		n := copy(p, f.head)
		f.head = f.head[n:]
		return n, nil
	}
	n, err := f.in.Read(p[:min(len(p), f.left)])
	f.left -= n
	if err == io.EOF && f.left > 0 {
		err = io.ErrUnexpectedEOF
	}
	return n, err
}

// next begins with the next request, and answers it if that is the filter's part.
func (f *filter) next() error {
	head := make([]byte, 5)
	if _, err := io.ReadFull(f.in, head); err != nil {
		return err
	}
	length, kind := binary.BigEndian.Uint32(head), head[4]
	if length == 0 || length > 1<<30 {
		return errors.New("an sftp packet without a sensible length")
	}
	alone := kind != fxpRead
	if alone || f.alone {
		if err := f.settle(); err != nil {
			return err
		}
	}
	f.alone = alone
	f.refusal = ""
	if f.full != nil && (kind == fxpOpen || kind == fxpOpendir) {
		f.refusal = f.full()
	}
	switch {
	case f.refusal != "", kind == fxpRemove, kind == fxpMkdir, kind == fxpRmdir, kind == fxpRename:
		if length > maxPath {
			return errors.New("an sftp packet with too long a path")
		}
		body := make([]byte, length-1)
		if _, err := io.ReadFull(f.in, body); err != nil {
			return err
		}
		return f.do(kind, body)
	}
	f.mu.Lock()
	f.waiting++
	f.mu.Unlock()
	f.head, f.left = head, int(length-1)
	return nil
}

// settle waits until all requests have their answers.
func (f *filter) settle() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	for f.waiting > 0 && f.broken == nil {
		f.answered.Wait()
	}
	return f.broken
}

// Write hands on what pkg/sftp answers, and counts the answers.
func (f *filter) Write(p []byte) (int, error) {
	n, err := f.out.Write(p)
	f.mu.Lock()
	defer f.mu.Unlock()
	if err != nil {
		f.broken = err
		f.answered.Broadcast()
		return n, err
	}
	for len(p) > 0 {
		if f.answer == 0 {
			take := min(4-len(f.length), len(p))
			f.length, p = append(f.length, p[:take]...), p[take:]
			if len(f.length) < 4 {
				break
			}
			f.answer, f.length = int(binary.BigEndian.Uint32(f.length)), f.length[:0]
			continue
		}
		take := min(f.answer, len(p))
		f.answer, p = f.answer-take, p[take:]
		if f.answer == 0 {
			f.waiting--
			f.answered.Broadcast()
		}
	}
	return n, nil
}

// do carries out one of the filter's own requests and answers it.
func (f *filter) do(kind byte, body []byte) error {
	var m struct {
		ID   uint32
		Path string
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(body, &m); err != nil {
		return err
	}
	var err error
	switch kind {
	case fxpOpen, fxpOpendir:
		err = errors.New(f.refusal)
	case fxpRemove:
		err = unix.Unlink(f.local(m.Path))
	case fxpRmdir:
		err = unix.Rmdir(f.local(m.Path))
	case fxpMkdir:
		err = unix.Mkdir(f.local(m.Path), directoryMode(m.Rest))
	case fxpRename:
		var to struct{ Path string }
		if err := ssh.Unmarshal(m.Rest, &to); err != nil {
			return err
		}
		err = rename(f.local(m.Path), f.local(to.Path))
	}
	status := ssh.Marshal(struct {
		Kind              byte
		ID, Code          uint32
		Message, Language string
	}{fxpStatus, m.ID, statusCode(err), statusText(err), ""})
	_, err = f.out.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(status))), status...))
	return err
}

func (f *filter) local(name string) string {
	if path.IsAbs(name) {
		return name
	}
	return path.Join(f.dir, name)
}

// directoryMode is the mode in the attributes of a MKDIR (section 5), which the
// umask restricts as everywhere.
func directoryMode(attributes []byte) uint32 {
	const hasSize, hasIDs, hasMode = 1, 2, 4
	if len(attributes) < 4 {
		return 0o777
	}
	flags, rest := binary.BigEndian.Uint32(attributes), attributes[4:]
	skip := 0
	if flags&hasSize != 0 {
		skip += 8
	}
	if flags&hasIDs != 0 {
		skip += 8
	}
	if flags&hasMode == 0 || len(rest) < skip+4 {
		return 0o777
	}
	return binary.BigEndian.Uint32(rest[skip:]) & 0o7777
}

// rename never replaces a file: that is posix-rename@openssh.com (section 6.5).
func rename(from, to string) error {
	err := unix.Renameat2(unix.AT_FDCWD, from, unix.AT_FDCWD, to, unix.RENAME_NOREPLACE)
	if !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOSYS) {
		return err
	}
	// A file system that does not know RENAME_NOREPLACE, as FUSE and NFS: what
	// sftp-server does everywhere.
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode().IsRegular() {
		if err := unix.Link(from, to); err != nil {
			return err
		}
		return unix.Unlink(from)
	}
	if _, err := os.Lstat(to); err == nil {
		return unix.EEXIST
	}
	return unix.Rename(from, to)
}

// statusCode is a status of section 7 for an error of a system call, as
// sftp-server has it.
func statusCode(err error) uint32 {
	const ok, noSuchFile, permissionDenied, failure, badMessage, unsupported = 0, 2, 3, 4, 5, 8
	switch {
	case err == nil:
		return ok
	case errors.Is(err, unix.ENOENT), errors.Is(err, unix.ENOTDIR), errors.Is(err, unix.ELOOP):
		return noSuchFile
	case errors.Is(err, unix.ENAMETOOLONG), errors.Is(err, unix.EINVAL):
		return badMessage
	case errors.Is(err, os.ErrPermission):
		return permissionDenied
	case errors.Is(err, unix.ENOSYS):
		return unsupported
	}
	return failure
}

func statusText(err error) string {
	if err == nil {
		return "Success"
	}
	return err.Error()
}
