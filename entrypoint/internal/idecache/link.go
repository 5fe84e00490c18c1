package idecache

import (
	"errors"
	"os"
	"path/filepath"
	"time"
)

// Link links all that the cache dir has into the job home: servers for both
// ways in which they are started, CLIs, extensions; settings are copied. What
// an IDE writes beside a server lies in directories of the home. What is there
// already is left alone, but for links that lead nowhere. linker is the dynamic
// linker to which servers patch their node when they start, "" where they do not:
// one that is not patched yet gets a copy of what it changes, a product's newest
// always and older ones as long as that has not taken copyTime. Link returns how many
// servers and CLIs are there; an error says what is amiss with the rest.
func Link(dir, home, linker string) (linked int, err error) {
	return linkAll(dir, home, &copies{linker: linker, until: time.Now().Add(copyTime), made: map[string]bool{}})
}

func linkAll(dir, home string, c *copies) (linked int, err error) {
	all, err := List(dir)
	if err != nil {
		return 0, err
	}
	var errs []error
	for _, e := range all {
		to := filepath.Join(home, e.Product)
		switch err := link(e, to, c); {
		case err == nil:
			linked++
		case !errors.Is(err, errLate):
			errs = append(errs, err)
		}
	}
	errs = append(errs, c.left())
	names, _ := os.ReadDir(dir)
	for _, name := range names {
		if productName.MatchString(name.Name()) {
			errs = append(errs, seed(filepath.Join(dir, name.Name()), filepath.Join(home, name.Name())))
		}
	}
	return linked, errors.Join(errs...)
}

func link(e Entry, to string, c *copies) error {
	if e.CLI != "" {
		if err := point(e.CLI, filepath.Join(to, "code-"+e.Commit)); err != nil {
			return err
		}
	}
	if e.Server == "" {
		return nil
	}
	own, server := filepath.Join(to, "bin", e.Commit), filepath.Join(to, "cli/servers", e.Name, "server")
	if c.wanted(filepath.Join(e.Server, "node"), filepath.Dir(to)) {
		if err := c.make(e, own); err != nil {
			return err
		}
		if target, err := os.Readlink(server); err == nil && target == e.Server { // of a job that needed no copy
			os.Remove(server)
		}
		return point(own, server)
	}
	// log.txt and pid.txt are written beside the server, lru.json beside those.
	if err := point(e.Server, server); err != nil {
		return err
	}
	// The classic way writes its lock into the server's own directory.
	return each(e.Server, own)
}

// each links what is in the directory from into the directory to. One that is
// there with a product.json is a server already.
func each(from, to string) error {
	if isServer(to) {
		return nil
	}
	files, err := os.ReadDir(from)
	if err != nil {
		return err
	}
	for _, f := range files {
		if err := point(filepath.Join(from, f.Name()), filepath.Join(to, f.Name())); err != nil {
			return err
		}
	}
	return nil
}

// point makes the link name to target, with the directories above it, unless
// there is something by that name.
func point(target, name string) error {
	if _, err := os.Stat(name); err == nil {
		return nil
	}
	if info, err := os.Lstat(name); err == nil && info.Mode()&os.ModeSymlink != 0 {
		os.Remove(name) // of a cache that is no more
	}
	err := os.Symlink(target, name)
	if errors.Is(err, os.ErrNotExist) {
		if err := os.MkdirAll(filepath.Dir(name), 0o700); err != nil {
			return err
		}
		err = os.Symlink(target, name)
	}
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	return err
}

// seed links a product's extensions and copies its settings.
func seed(from, to string) error {
	if _, err := os.Stat(filepath.Join(from, "extensions")); err == nil {
		// Its list of extensions has the paths of the home where it was made;
		// without one the server makes it of what it finds.
		extensions, err := os.ReadDir(filepath.Join(from, "extensions"))
		if err != nil {
			return err
		}
		for _, x := range extensions {
			if !x.IsDir() || x.Name()[0] == '.' {
				continue
			}
			if err := point(filepath.Join(from, "extensions", x.Name()), filepath.Join(to, "extensions", x.Name())); err != nil {
				return err
			}
		}
	}
	const settings = "data/Machine/settings.json"
	err := copyNew(filepath.Join(from, settings), filepath.Join(to, settings), 0o600)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	return err
}
