// Package home prepares the job home: the directory that sessions have as HOME,
// with what Perch and an IDE need in it.
package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/finding"
	"perch/entrypoint/internal/limits"
)

// Place is a prepared job home. All paths are absolute.
type Place struct {
	// Home is the scratch directory, as the job sees it.
	Home string
	// Dir is Perch's own directory in it, mode 0700.
	Dir string
	// Socket is where SSH is served. It is in Dir or, where the job home takes
	// no sockets, in Runtime; then Dir has a link to it.
	Socket string
	// Tmp and Runtime are what sessions get as TMPDIR and XDG_RUNTIME_DIR.
	Tmp, Runtime string
	// Environ is what sessions get beside: it goes before the job's own
	// environment, and a client's requests go before it.
	Environ map[string]string
	// Found is what is odd about the place, and what was done about it.
	Found finding.List

	ours    bool     // Home is the job's scratch directory
	private []string // directories outside of the job home that go with the job
}

// Wishes are what the job's ad says about its home; "" means the default.
type Wishes struct {
	// Sysroot has newer C and C++ libraries, for images whose own are too old
	// for an IDE's server (contract.AttrSysroot).
	Sysroot string
	// IDECache has IDE servers that are linked into the home
	// (contract.AttrIDECache).
	IDECache string
}

// Prepare finds the job home by the environment and makes it fit for an IDE:
// what is missing is made, what is odd is mended or worked around, or found. An
// error means that there is no directory to work in. It lifts this process's
// limits, too. serve calls it once, before anybody is let in.
func Prepare(getenv func(string) string, wishes Wishes) (*Place, error) {
	root, err := Find(getenv)
	if err != nil {
		return nil, err
	}
	p := &Place{Home: root, Dir: DirIn(root), Environ: map[string]string{}}
	if err := privateDir(p.Dir); isErrno(err, unix.EDQUOT) || isErrno(err, unix.ENOSPC) {
		return nil, fmt.Errorf("making Perch's directory in the job home: %w; make room there, or raise request_disk", err)
	} else if err != nil {
		return nil, fmt.Errorf("making Perch's directory in the job home: %w", err)
	}
	scratch := getenv(contract.EnvScratch)
	p.ours = scratch != "" && filepath.Clean(scratch) == root
	if scratch != "" && !p.ours {
		p.Found.Add("no scratch directory", finding.Around, "the scratch directory cannot be used: %v; using HOME instead", writable(scratch))
	}
	p.lookAtHome(getenv("HOME"))
	p.Found = append(p.Found, limits.Raise()...)
	p.makeTmp()
	p.lookAtTmp(getenv)
	if p.ours { // of a HOME that is not the job's alone, locks may be held
		p.dropLocks()
		p.dropProfile()
	}
	p.makeDirs()
	p.wireSysroot(getenv, wishes.Sysroot)
	p.linkServers(getenv, wishes.IDECache)
	p.probe()
	p.nameUser(getenv)
	p.shareCores(getenv)
	p.record()
	return p, nil
}

// lookAtHome says what was amiss with HOME, where sessions have another.
func (p *Place) lookAtHome(was string) {
	if filepath.Clean(was) == p.Home {
		return
	}
	what, named := "HOME elsewhere", strconv.Quote(was)
	switch {
	case was == "":
		what, named = "HOME unset", "not set"
	case filepath.Clean(was) == "/":
		what = "HOME is root"
	case !soon(func() bool { _, err := os.Stat(was); return err == nil }):
		what = "HOME missing"
	case !soon(func() bool { return writable(was) == nil }):
		what = "HOME read-only"
	}
	p.Found.Add(what, finding.Mended, "HOME was %s: sessions have the scratch directory %s", named, p.Home)
}

// soon says whether look finds true within a moment: what the job was given may
// lie on a file server that does not answer.
func soon(look func() bool) bool {
	found := make(chan bool, 1)
	go func() { found <- look() }()
	select {
	case is := <-found:
		return is
	case <-time.After(200 * time.Millisecond):
		return false
	}
}

// Find returns the directory that is the job home, without changing anything:
// the scratch directory that HTCondor names or, where there is none, HOME. A
// scratch directory that is there and cannot be written is an error: the keys
// lie in it, and nobody would look for the job elsewhere.
func Find(getenv func(string) string) (string, error) {
	scratch, home := getenv(contract.EnvScratch), getenv("HOME")
	if filepath.IsAbs(scratch) && unix.Access(scratch, unix.F_OK) == nil {
		return pick(scratch)
	}
	if filepath.Clean(home) == "/" {
		home = "" // what belongs to nobody stands there for no home
	}
	return pick(scratch, home)
}

// DirIn is Perch's own directory in the job home root.
func DirIn(root string) string { return filepath.Join(root, contract.Dir) }

// Path is the path of the file called name in Dir.
func (p *Place) Path(name string) string { return filepath.Join(p.Dir, name) }

// Close removes what Prepare made outside of the job home. Call it at the
// job's end.
func (p *Place) Close() error {
	var errs []error
	for _, dir := range p.private {
		errs = append(errs, os.RemoveAll(dir))
	}
	return errors.Join(errs...)
}

// pick returns the first of the candidates that can be written. The error is
// that of the first one that is set, since that is the one that was meant.
func pick(candidates ...string) (string, error) {
	var problem error
	for _, path := range candidates {
		if path == "" {
			continue
		}
		err := writable(path)
		if err == nil {
			return filepath.Clean(path), nil
		}
		if problem == nil {
			problem = err
		}
	}
	if problem == nil {
		problem = errors.New("neither " + contract.EnvScratch + " nor HOME names one")
	}
	return "", fmt.Errorf("finding a scratch directory for the job: %w", problem)
}

func writable(path string) error {
	if !filepath.IsAbs(path) {
		return fmt.Errorf("%q is no absolute path", path)
	}
	info, err := os.Stat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%q is no directory", path)
	}
	if err := unix.Access(path, unix.W_OK|unix.X_OK); err != nil {
		return fmt.Errorf("writing to %q: %w; ask the site about the job's directory", path, err)
	}
	return nil
}

// privateDir makes a directory that is ours alone, or makes sure that one is.
// A link is refused: it might lead to where others look.
func privateDir(path string) error {
	if err := os.Mkdir(path, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	info, err := os.Lstat(path)
	if err != nil {
		return err
	}
	if !info.IsDir() {
		return fmt.Errorf("%q is in the way: it is no directory", path)
	}
	if owner := info.Sys().(*syscall.Stat_t).Uid; int(owner) != os.Getuid() && os.Getuid() == 0 {
		return fmt.Errorf("%q belongs to the user %d; remove it, since its owner could read what is in it", path, owner)
	}
	if err := os.Chmod(path, 0o700); err != nil { // as where it is another user's
		return err
	}
	if info, err = os.Lstat(path); err == nil && info.Mode().Perm()&0o077 != 0 {
		err = fmt.Errorf("%q stays open to others (mode %#o) on this file system, and keys and sockets have to be in it; use another one", path, info.Mode().Perm())
	}
	return err
}

// usableDir makes a directory, or takes what has that name already if it leads
// to one.
func usableDir(path string) error {
	err := os.Mkdir(path, 0o700)
	if !errors.Is(err, os.ErrExist) {
		return err
	}
	if info, err := os.Stat(path); err != nil {
		return err
	} else if !info.IsDir() {
		return fmt.Errorf("%q is in the way: it is no directory", path)
	}
	return nil
}
