package sshd

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/pkg/sftp"
)

// The packets that the filter knows by number (draft-ietf-secsh-filexfer-02, 3).
const (
	fxpInit          = 1
	fxpVersion       = 2
	fxpOpen          = 3
	fxpRead          = 5
	fxpOpendir       = 11
	fxpRemove        = 13
	fxpMkdir         = 14
	fxpRmdir         = 15
	fxpRename        = 18
	fxpStatus        = 101
	fxpExtended      = 200
	fxpExtendedReply = 201
)

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
//   - INIT is answered here, and the extensions that pkg/sftp does not have.
//   - The end of the requests is handed on when all have their answers: pkg/sftp
//     ends without the last ones.
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
	ended error  // why no request comes any more

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

// server is pkg/sftp's, behind the filter.
func (f *filter) server() (*sftp.Server, error) {
	return sftp.NewServer(f, sftp.WithServerWorkingDirectory(f.dir), sftp.WithMaxTxPacket(maxSFTPData))
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
			f.ended = err
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
		if err == io.EOF {
			f.settle()
		}
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
	own := f.refusal != "" || kind == fxpInit || kind == fxpRemove || kind == fxpMkdir || kind == fxpRmdir || kind == fxpRename
	if own || kind == fxpExtended {
		if length > maxSFTPPacket {
			return fmt.Errorf("an sftp packet of %d bytes came, and %d are the limit; use another client", length, maxSFTPPacket)
		}
		body := make([]byte, length-1)
		if _, err := io.ReadFull(f.in, body); err != nil {
			return err
		}
		request, err := parseFileRequest(kind, body)
		if err != nil {
			return err
		}
		if own || !handsOn(request.name) {
			return f.do(request)
		}
		head = append(head, body...)
	}
	f.mu.Lock()
	f.waiting++
	f.mu.Unlock()
	f.head, f.left = head, 4+int(length)-len(head)
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
