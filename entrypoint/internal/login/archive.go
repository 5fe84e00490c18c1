package login

import (
	"bytes"
	"encoding/binary"
	"io"
)

// archiveMagic begins a locale archive of glibc (locale/locarchive.h).
const archiveMagic = 0xde020109

// maxNames bounds what is read of an archive's names, in bytes.
const maxNames = 4 << 20

// archiveHas says whether glibc's archive of locales has one of this name. The
// names stand in a region of their own, each with a zero byte at its end.
func archiveHas(archive io.ReaderAt, name string) bool {
	header := make([]byte, 5*4)
	if _, err := archive.ReadAt(header, 0); err != nil {
		return false
	}
	field := func(i int) uint32 { return binary.NativeEndian.Uint32(header[4*i:]) }
	// magic, serial, namehash_offset, namehash_used, namehash_size; then
	// string_offset, string_used, string_size.
	if field(0) != archiveMagic {
		return false
	}
	if _, err := archive.ReadAt(header[:8], 5*4); err != nil {
		return false
	}
	offset, used := field(0), field(1)
	names := make([]byte, min(used, maxNames))
	n, _ := archive.ReadAt(names, int64(offset))
	return bytes.Contains(append([]byte{0}, names[:n]...), []byte("\x00"+name+"\x00"))
}
