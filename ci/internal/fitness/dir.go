package fitness

import (
	"archive/tar"
	"io"
	"io/fs"
	"os"
	"path/filepath"
)

// readDir is read for an unpacked image. Its links lead nowhere outside.
func readDir(dir string) (tree, error) {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	t := tree{}
	err = fs.WalkDir(root.FS(), ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		f := file{kind: tar.TypeReg, mode: int64(info.Mode().Perm())}
		switch {
		case d.IsDir():
			f.kind = tar.TypeDir
		case info.Mode()&fs.ModeSymlink != 0:
			f.kind = tar.TypeSymlink
			if f.link, err = os.Readlink(filepath.Join(dir, name)); err != nil {
				return err
			}
		case !info.Mode().IsRegular():
			f.kind = tar.TypeChar
		case wanted(name) > 0:
			if f.content, err = readSome(root, name, wanted(name)); err != nil {
				return err
			}
		}
		t[name] = f
		return nil
	})
	return t, err
}

func readSome(root *os.Root, name string, limit int64) ([]byte, error) {
	content, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(io.LimitReader(content, limit))
}
