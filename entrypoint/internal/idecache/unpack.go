package idecache

import (
	"archive/tar"
	"bufio"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
)

// Bounds on an archive, far above those of an IDE's server (20,000 files, 1 GB).
const (
	maxEntries = 200_000
	maxTotal   = 8 << 30
	maxName    = 4096
)

// bounds is what an archive may still have.
type bounds struct {
	entries int
	bytes   int64
}

// unpack writes the files of a tar archive, compressed by gzip or not, into an
// empty directory. Whatever could reach out of it, or is no file, directory or
// link, is refused, as are archives beyond the bounds.
func unpack(archive io.Reader, into *os.Root, left bounds) error {
	in := bufio.NewReader(archive)
	if magic, _ := in.Peek(2); len(magic) == 2 && magic[0] == 0x1f && magic[1] == 0x8b {
		zip, err := gzip.NewReader(in)
		if err != nil {
			return err
		}
		defer zip.Close()
		in = bufio.NewReader(zip)
	}
	for files := tar.NewReader(in); ; {
		h, err := files.Next()
		if err == io.EOF {
			return nil
		}
		if err != nil {
			return err
		}
		left.entries--
		left.bytes -= max(h.Size, 0)
		if left.entries < 0 || left.bytes < 0 {
			return errors.New("the archive has more than any IDE's server has")
		}
		if err := place(h, files, into); err != nil {
			return fmt.Errorf("%.200q: %w", h.Name, err)
		}
	}
}

func place(h *tar.Header, content io.Reader, into *os.Root) error {
	if h.Typeflag == tar.TypeXGlobalHeader {
		return nil
	}
	name := path.Clean(h.Name)
	if len(h.Name) > maxName || !filepath.IsLocal(name) || strings.ContainsAny(h.Name, "\x00\n") {
		return errors.New("this name is refused")
	}
	if name == "." {
		return nil
	}
	if h.Typeflag == tar.TypeDir {
		return into.MkdirAll(name, 0o755)
	}
	if err := into.MkdirAll(path.Dir(name), 0o755); err != nil {
		return err
	}
	switch h.Typeflag {
	case tar.TypeReg:
		return placeFile(name, h.FileInfo().Mode(), content, into)
	case tar.TypeSymlink:
		if path.IsAbs(h.Linkname) || !filepath.IsLocal(path.Join(path.Dir(name), h.Linkname)) {
			return errors.New("a link that leads out of the archive is refused")
		}
		return into.Symlink(h.Linkname, name)
	case tar.TypeLink:
		return placeHardLink(path.Clean(h.Linkname), name, into)
	}
	return errors.New("neither a file nor a directory nor a link")
}

func placeHardLink(old, name string, into *os.Root) error {
	if !filepath.IsLocal(old) {
		return errors.New("a link that leads out of the archive is refused")
	}
	if info, err := into.Lstat(old); err != nil || !info.Mode().IsRegular() {
		return errors.New("a link to what is no file of the archive")
	}
	return into.Link(old, name)
}

// placeFile keeps of the mode whether the file is a program.
func placeFile(name string, mode fs.FileMode, content io.Reader, into *os.Root) error {
	perm := fs.FileMode(0o644)
	if mode&0o111 != 0 {
		perm = 0o755
	}
	f, err := into.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, perm)
	if err != nil {
		return err
	}
	_, err = io.Copy(f, content)
	if err == nil {
		err = f.Chmod(perm) // whatever the umask
	}
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
