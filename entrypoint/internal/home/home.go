// Package home prepares the job home: the directory that sessions have as HOME,
// with what Perch and an IDE need in it.
package home

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
)

// Place is a prepared job home. All paths are absolute.
type Place struct {
	// Home is the scratch directory, as the job sees it.
	Home string
	// Dir is Perch's own directory in it, mode 0700.
	Dir string
	// Tmp and Runtime are what sessions get as TMPDIR and XDG_RUNTIME_DIR.
	Tmp, Runtime string
	// Notes say what is not as it should be, one line each.
	Notes []string

	private string // a directory in /tmp that goes with the job
}

// Prepare finds the job home by the environment and makes what is missing in
// it. An error means that there is no directory to work in.
func Prepare(getenv func(string) string) (*Place, error) {
	root, err := Find(getenv)
	if err != nil {
		return nil, err
	}
	p := &Place{Home: root, Dir: filepath.Join(root, contract.Dir)}
	if err := privateDir(p.Dir); err != nil {
		return nil, fmt.Errorf("making Perch's directory in the job home: %w", err)
	}
	if scratch := getenv(contract.EnvScratch); scratch != "" && filepath.Clean(scratch) != root {
		p.note("the scratch directory cannot be used: %v; using HOME instead", writable(scratch))
	}
	for _, name := range []string{".vscode-server", "scratch"} {
		if err := usableDir(filepath.Join(root, name)); err != nil {
			p.note("making %s in the job home: %v", name, err)
		}
	}
	p.makeTmp()
	return p, nil
}

// Find returns the directory that is the job home, without changing anything:
// the scratch directory that HTCondor names or, where it names none that can be
// written, HOME.
func Find(getenv func(string) string) (string, error) {
	return pick(getenv(contract.EnvScratch), getenv("HOME"))
}

// Path is the path of the file called name in Dir.
func (p *Place) Path(name string) string { return filepath.Join(p.Dir, name) }

// Close removes what Prepare made outside of the job home. Call it at the
// job's end.
func (p *Place) Close() error {
	if p.private == "" {
		return nil
	}
	return os.RemoveAll(p.private)
}

func (p *Place) note(format string, args ...any) {
	p.Notes = append(p.Notes, fmt.Sprintf(format, args...))
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
		problem = errors.New("neither " + contract.EnvScratch + " nor HOME is set")
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
		return fmt.Errorf("writing to %q: %w", path, err)
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
