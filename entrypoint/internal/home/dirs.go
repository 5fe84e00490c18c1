package home

import (
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"perch/entrypoint/internal/finding"
)

// servers are the directories in which IDEs of VS Code's family keep programs.
var servers = []string{".vscode-server", ".vscode-server-insiders", ".vscode-server-oss", ".vscodium-server", ".cursor-server", ".windsurf-server"}

// makeDirs makes what an IDE finds in its home. Where the home is without exec,
// the directories for programs are elsewhere, and linked.
func (p *Place) makeDirs() {
	var fs unix.Statfs_t
	if unix.Statfs(p.Home, &fs) == nil && fs.Flags&unix.ST_NOEXEC != 0 {
		p.programsElsewhere()
	}
	for _, name := range []string{servers[0], "scratch"} {
		if err := usableDir(filepath.Join(p.Home, name)); err != nil {
			p.Found.Add("name in the way", finding.Said, "making %s in the job home: %v; remove what has that name", name, err)
		}
	}
}

// programsElsewhere links the servers' directories to a place with exec.
func (p *Place) programsElsewhere() {
	const what = "noexec home"
	base, err := p.outside(roomy)
	if err != nil {
		p.Found.Add(what, finding.Said, "the job home %s lies on a file system without exec, and so do other places, or they are small; an IDE's server cannot start; ask the site", p.Home)
		return
	}
	for _, name := range servers {
		err := os.Mkdir(filepath.Join(base, name), 0o700)
		if err == nil {
			err = relink(filepath.Join(base, name), filepath.Join(p.Home, name))
		}
		if err != nil {
			p.Found.Add(what, finding.Said, "the job home lies on a file system without exec, and %s cannot be linked elsewhere: %v; remove what has that name", name, err)
			return
		}
	}
	p.Found.Add(what, finding.Around, "the job home lies on a file system without exec: the IDE's servers are in %s; your own programs start in TMPDIR only if that is elsewhere", base)
}

// probeBytes is how much room is tried.
const probeBytes = 1 << 20

// probe tries to take some room in the job home: a quota is not seen otherwise.
func (p *Place) probe() {
	f, err := os.CreateTemp(p.Dir, "probe.")
	if err == nil {
		err = unix.Fallocate(int(f.Fd()), 0, 0, probeBytes)
		if err == unix.EOPNOTSUPP || err == unix.ENOSYS {
			_, err = f.Write(make([]byte, probeBytes/16))
		}
		if closed := f.Close(); err == nil {
			err = closed // where network file systems tell of a quota
		}
		os.Remove(f.Name())
	}
	switch {
	case err == nil:
	case isErrno(err, unix.EDQUOT):
		p.Found.Add("over quota", finding.Said, "the job home is over its quota: %v; delete files, or ask the site for more", err)
	case isErrno(err, unix.ENOSPC):
		p.Found.Add("full disk", finding.Said, "the disk of the job home is full: %v; delete files, or raise request_disk", err)
	default:
		p.Found.Add("read-only home", finding.Said, "the job home cannot be written: %v; ask the site", err)
	}
}
