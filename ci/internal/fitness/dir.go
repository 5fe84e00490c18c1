package fitness

import (
	"archive/tar"
	"debug/elf"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
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

// machine is an error if the shell of the unpacked image t in dir is a program for
// another kind of machine. One that cannot be read as a program says nothing.
func machine(dir string, t tree) error {
	root, err := os.OpenRoot(dir)
	if err != nil {
		return err
	}
	defer root.Close()
	at, found := t.find("bash", nil)
	if !found {
		at, _ = t.find("sh", nil)
	}
	file, err := root.Open(at)
	if err != nil {
		return nil // who may run it may not always read it
	}
	defer file.Close()
	shell, err := elf.NewFile(file)
	if err != nil {
		return nil // a script
	}
	self, err := elf.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer self.Close()
	if shell.Machine != self.Machine {
		return fmt.Errorf("it is an image for another machine (%v), and this perch-entrypoint is for linux/%s; take one for that", shell.Machine, runtime.GOARCH)
	}
	return nil
}

func readSome(root *os.Root, name string, limit int64) ([]byte, error) {
	content, err := root.Open(name)
	if err != nil {
		return nil, err
	}
	defer content.Close()
	return io.ReadAll(io.LimitReader(content, limit))
}
