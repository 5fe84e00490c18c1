package sshd

import (
	"encoding/binary"
	"errors"
	"os"
	"path"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// fileRequest is one of those that the filter answers (section 6).
type fileRequest struct {
	kind byte
	id   uint32
	name string // a path, or an extension's name
	to   string // RENAME's second path
	mode uint32 // MKDIR's
}

// parseFileRequest reads what comes after a request's kind.
func parseFileRequest(kind byte, body []byte) (fileRequest, error) {
	r := fileRequest{kind: kind}
	if kind == fxpInit {
		return r, nil // with any version: ours is for the client to take
	}
	var m struct {
		ID   uint32
		Name string
		Rest []byte `ssh:"rest"`
	}
	if err := ssh.Unmarshal(body, &m); err != nil {
		return r, err
	}
	r.id, r.name = m.ID, m.Name
	switch kind {
	case fxpMkdir:
		r.mode = directoryMode(m.Rest)
	case fxpRename:
		var to struct {
			Name string
			Rest []byte `ssh:"rest"`
		}
		if err := ssh.Unmarshal(m.Rest, &to); err != nil {
			return r, err
		}
		r.to = to.Name
	}
	return r, nil
}

// do carries out a request and answers it.
func (f *filter) do(r fileRequest) error {
	var err error
	switch r.kind {
	case fxpInit:
		return f.say(version())
	case fxpExtended:
		if r.name == limitsExtension {
			return f.say(limits(r.id))
		}
		err = unix.ENOSYS
	case fxpOpen, fxpOpendir:
		err = errors.New(f.refusal)
	case fxpRemove:
		err = unix.Unlink(f.local(r.name))
	case fxpRmdir:
		err = unix.Rmdir(f.local(r.name))
	case fxpMkdir:
		err = unix.Mkdir(f.local(r.name), r.mode)
	case fxpRename:
		err = rename(f.local(r.name), f.local(r.to))
	}
	return f.say(ssh.Marshal(struct {
		Kind              byte
		ID, Code          uint32
		Message, Language string
	}{fxpStatus, r.id, statusCode(err), statusText(err), ""}))
}

// say sends an answer of the filter's own.
func (f *filter) say(packet []byte) error {
	_, err := f.out.Write(append(binary.BigEndian.AppendUint32(nil, uint32(len(packet))), packet...))
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
