package home

import (
	"errors"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/sockpath"
)

// maxTmp is how long TMPDIR and XDG_RUNTIME_DIR may be, in bytes: VS Code puts
// sockets there whose names have 54 ("/vscode-ipc-<uuid>.sock"), and a socket's
// path may have 107 (unix(7)).
const maxTmp = 53

// makeTmp makes tmp and tmp/run in the job home, or short ones elsewhere, and
// says where the socket is.
func (p *Place) makeTmp() {
	p.Tmp = filepath.Join(p.Home, "tmp")
	p.Runtime = filepath.Join(p.Tmp, "run")
	p.Socket = p.Path(contract.SocketName)
	made := usableDir(p.Tmp)
	if made == nil {
		made = privateDir(p.Runtime)
	}
	sockets := takesSockets(p.Dir)
	if made == nil && sockets == nil && len(p.Runtime) <= maxTmp {
		return
	}
	base, err := p.outside(func(dir string) bool { return len(dir)+len("/run") <= maxTmp && takesSockets(dir) == nil })
	what, why := p.whyElsewhere(made, sockets)
	if err != nil {
		p.Found.Add(what, finding.Said, "%s, and there is no other place for sockets: %v; an IDE cannot make its sockets; ask the site", why, err)
		return
	}
	p.Runtime = filepath.Join(base, "run")
	if err := os.Mkdir(p.Runtime, 0o700); err != nil {
		p.Found.Add(what, finding.Said, "%s, and another place cannot be used: %v; ask the site", why, err)
		return
	}
	if sockets != nil {
		p.Socket = filepath.Join(p.Runtime, contract.SocketName)
	}
	p.placeTmp(base, made == nil && sockets == nil)
	p.Found.Add(what, finding.Around, "%s: temporary files are in %s, sockets in %s", why, p.Tmp, p.Runtime)
}

// lookAtTmp says which directories the job was given that cannot be used.
func (p *Place) lookAtTmp(getenv func(string) string) {
	for _, v := range [][2]string{{"TMPDIR", p.Tmp}, {"XDG_RUNTIME_DIR", p.Runtime}} {
		if was := getenv(v[0]); was != "" && !soon(func() bool { return writable(was) == nil }) {
			p.Found.Add("invalid TMPDIR", finding.Mended, "%s was %q, which cannot be used here: it is %s", v[0], was, v[1])
		}
	}
}

// whyElsewhere names what is wrong with tmp in the job home.
func (p *Place) whyElsewhere(made, sockets error) (what, why string) {
	switch {
	case made != nil:
		return "no tmp in the home", "tmp/run cannot be made in the job home: " + made.Error()
	case sockets != nil:
		return "no sockets", "the job home's file system takes no sockets: " + sockets.Error()
	}
	return "long path", "the job home's path is too long for the sockets of an IDE"
}

// placeTmp decides on TMPDIR, where sockets are in base. base itself serves,
// unless its file system is small or without exec: then files go into the job
// home, by a short name.
func (p *Place) placeTmp(base string, homeTakes bool) {
	inHome := p.Tmp
	if homeTakes && !roomy(base) {
		p.Tmp = filepath.Join(base, "tmp")
		if os.Symlink(inHome, p.Tmp) == nil {
			return
		}
	}
	p.Tmp = base
	p.link(base, p.Runtime)
}

// roomy says whether the file system of dir is one for temporary files: with
// exec, and with a GiB free.
func roomy(dir string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(dir, &fs) == nil && fs.Flags&unix.ST_NOEXEC == 0 && fs.Bavail*uint64(fs.Bsize) >= 1<<30
}

// elsewhere are the places outside of the job home where something may be made.
var elsewhere = []string{"/tmp", "/var/tmp", "/dev/shm"}

// outside makes a private directory outside of the job home, in the first place
// where fits takes it. It goes with the job.
func (p *Place) outside(fits func(dir string) bool) (string, error) {
	var first error
	for _, parent := range elsewhere {
		dir, err := os.MkdirTemp(parent, "perch-")
		if err == nil && !fits(dir) {
			err = errors.New(parent + " does not serve")
			os.Remove(dir)
		}
		if err == nil {
			p.private = append(p.private, dir)
			return dir, nil
		}
		if first == nil {
			first = err
		}
	}
	return "", first
}

// takesSockets says why no socket can be made in dir; nil: one can.
func takesSockets(dir string) error {
	name := filepath.Join(dir, ".probe")
	os.Remove(name)
	listener, err := sockpath.Listen(name)
	if err == nil {
		err = listener.Close()
	}
	os.Remove(name)
	return err
}

// link leaves tmp, or tmp/run where tmp is a directory that has something else
// in it, as a link to the short ones. It is for people who look for their
// files; nothing relies on it.
func (p *Place) link(dir, run string) {
	tmp := filepath.Join(p.Home, "tmp")
	os.Remove(filepath.Join(tmp, "run")) // an empty one
	os.Remove(tmp)
	err := relink(dir, tmp)
	if errors.Is(err, os.ErrExist) {
		relink(run, filepath.Join(tmp, "run"))
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
