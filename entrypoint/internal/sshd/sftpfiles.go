package sshd

import (
	"encoding/binary"
	"errors"
	"os"
	"path"

	"golang.org/x/crypto/ssh"
	"golang.org/x/sys/unix"
)

// do carries out one of the filter's own requests and answers it.
func (f *filter) do(kind byte, body []byte) error {
	if kind == fxpInit {
		return f.say(version())
	}
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
	case fxpExtended:
		if m.Path == limitsExtension {
			return f.say(limits(m.ID))
		}
		err = unix.ENOSYS
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
	return f.say(ssh.Marshal(struct {
		Kind              byte
		ID, Code          uint32
		Message, Language string
	}{fxpStatus, m.ID, statusCode(err), statusText(err), ""}))
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
