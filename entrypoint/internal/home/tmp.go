package home

import (
	"errors"
	"os"
	"path/filepath"
)

// maxTmp is how long TMPDIR and XDG_RUNTIME_DIR may be, in bytes: VS Code puts
// sockets there whose names have 53 ("/vscode-ipc-<uuid>.sock"), and a socket's
// path may have 107 (unix(7)).
const maxTmp = 53

// makeTmp makes tmp and tmp/run in the job home, or short ones elsewhere.
func (p *Place) makeTmp() {
	p.Tmp = filepath.Join(p.Home, "tmp")
	p.Runtime = filepath.Join(p.Tmp, "run")
	if len(p.Runtime) > maxTmp {
		err := p.shorten()
		if err == nil {
			return
		}
		p.note("making a short directory for temporary files: %v; the sockets of an IDE may not fit", err)
	}
	err := usableDir(p.Tmp)
	if err == nil {
		err = privateDir(p.Runtime)
	}
	if err == nil {
		return
	}
	p.note("making tmp/run in the job home: %v", err)
	if err := p.shorten(); err != nil {
		p.note("making a directory for temporary files: %v", err)
	}
}

// shorten makes a private directory in /tmp, uses that, and leaves a link to it
// in the job home.
func (p *Place) shorten() error {
	dir, err := os.MkdirTemp("/tmp", "perch-")
	if err != nil {
		return err
	}
	run := filepath.Join(dir, "run")
	if err := os.Mkdir(run, 0o700); err != nil {
		os.RemoveAll(dir)
		return err
	}
	p.link(dir, run)
	p.Tmp, p.Runtime, p.private = dir, run, dir
	return nil
}

// link leaves tmp, or tmp/run where tmp is a directory already, as a link to
// the short ones. It is for people who look for their files; nothing relies on
// it.
func (p *Place) link(dir, run string) {
	err := relink(dir, filepath.Join(p.Home, "tmp"))
	if errors.Is(err, os.ErrExist) {
		err = relink(run, filepath.Join(p.Home, "tmp", "run"))
	}
	if err != nil && !errors.Is(err, os.ErrExist) {
		p.note("linking %s into the job home: %v", dir, err)
	}
}

// relink makes a link, in place of an older link of that name.
func relink(target, name string) error {
	if info, err := os.Lstat(name); err == nil && info.Mode()&os.ModeSymlink != 0 {
		if err := os.Remove(name); err != nil {
			return err
		}
	}
	return os.Symlink(target, name)
}
