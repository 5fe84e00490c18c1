package sshd

import (
	"encoding/binary"

	"golang.org/x/crypto/ssh"
)

// limitsExtension asks how long requests may be (section 4.8 of OpenSSH's
// PROTOCOL). OpenSSH's client, when it is not told, reads and writes 32 KiB at a
// time.
const limitsExtension = "limits@openssh.com"

// maxSFTPPacket is the longest packet that pkg/sftp takes, and maxSFTPData what
// may be read or written at a time: OpenSSH's own server has the same.
const (
	maxSFTPPacket = 256 << 10
	maxSFTPData   = maxSFTPPacket - 1024
)

// extensions are pkg/sftp's, and limitsExtension.
var extensions = []struct{ Name, Version string }{
	{"hardlink@openssh.com", "1"},
	{"posix-rename@openssh.com", "1"},
	{"statvfs@openssh.com", "2"},
	{limitsExtension, "1"},
}

// version answers INIT.
func version() []byte {
	packet := binary.BigEndian.AppendUint32([]byte{fxpVersion}, 3)
	for _, e := range extensions {
		packet = append(packet, ssh.Marshal(e)...)
	}
	return packet
}

// limits answers limitsExtension. How many files may be open is none of one
// session's: see descriptors.
func limits(id uint32) []byte {
	return ssh.Marshal(struct {
		Kind                           byte
		ID                             uint32
		Packet, Read, Write, OpenFiles uint64
	}{fxpExtendedReply, id, maxSFTPPacket, maxSFTPData, maxSFTPData, 0})
}

// handsOn says whether an extension is pkg/sftp's, which answers those that it does
// not know with success.
func handsOn(name string) bool {
	for _, e := range extensions {
		if e.Name == name {
			return name != limitsExtension
		}
	}
	return false
}
