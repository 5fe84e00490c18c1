package sshd

import (
	"encoding/binary"
	"os"
	"strconv"
)

// Families of addresses in a cookie file (Xauth.h).
const (
	familyLocal = 256   // this host, by its name
	familyWild  = 65535 // any
)

// authority is the content of a cookie file (Xsecurity(7), the file of
// XauWriteAuth(3)) for one local display. Some clients look for the host's name
// alone; it may change, and then most find the second entry.
func authority(display int, protocol string, cookie []byte) []byte {
	host, _ := os.Hostname()
	number := strconv.Itoa(display)
	content := entry(nil, familyLocal, host, number, protocol, cookie)
	return entry(content, familyWild, "", number, protocol, cookie)
}

func entry(b []byte, family uint16, address, number, protocol string, cookie []byte) []byte {
	b = binary.BigEndian.AppendUint16(b, family)
	for _, field := range []string{address, number, protocol, string(cookie)} {
		b = binary.BigEndian.AppendUint16(b, uint16(len(field)))
		b = append(b, field...)
	}
	return b
}
