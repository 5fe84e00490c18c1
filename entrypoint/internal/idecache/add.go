package idecache

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"

	"golang.org/x/sys/unix"
)

// defaultProduct is the directory of what does not name its own.
const defaultProduct = ".vscode-server"

var commitInName = regexp.MustCompile(`(?:^|[^0-9a-f])([0-9a-f]{40})(?:[^0-9a-f]|$)`)

// Add puts a server or a CLI into the cache dir: an archive as the vendor gives
// it out, or a directory with what is in one. commit says which version it is
// where neither product.json nor the file's name does. The entry appears whole
// or not at all. Added is false where the cache has that version already.
func Add(dir, from, commit string) (e Entry, added bool, err error) {
	if commit != "" && !commitName.MatchString(commit) {
		return e, false, fmt.Errorf("%q is no commit; it has 40 hexadecimal digits", commit)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return e, false, err
	}
	staging, err := os.MkdirTemp(dir, ".staging-")
	if err != nil {
		return e, false, err
	}
	defer os.RemoveAll(staging)
	if err := os.Chmod(staging, 0o755); err != nil {
		return e, false, err
	}
	if err := stage(from, staging); err != nil {
		return e, false, fmt.Errorf("unpacking %s: %w", from, err)
	}
	if commit == "" {
		if m := commitInName.FindStringSubmatch(filepath.Base(from)); m != nil {
			commit = m[1]
		}
	}
	e, target, staged, err := identify(staging, commit)
	if err != nil {
		return e, false, fmt.Errorf("%s: %w", from, err)
	}
	added, err = show(staged, filepath.Join(dir, target))
	return e, added, err
}

// stage unpacks an archive, or copies a directory, into staging.
func stage(from, staging string) error {
	root, err := os.OpenRoot(staging)
	if err != nil {
		return err
	}
	defer root.Close()
	info, err := os.Stat(from)
	if err != nil {
		return err
	}
	left := bounds{maxEntries, maxTotal}
	if info.IsDir() {
		r, w := io.Pipe()
		defer r.Close() // ends the writer
		go func() {
			files := tar.NewWriter(w)
			err := files.AddFS(os.DirFS(from))
			w.CloseWithError(errors.Join(err, files.Close()))
		}()
		return unpack(r, root, left)
	}
	archive, err := os.Open(from)
	if err != nil {
		return err
	}
	defer archive.Close()
	return unpack(archive, root, left)
}

// identify says what was staged, where it belongs in a cache, and which path in
// staging that is.
func identify(staging, commit string) (e Entry, target, staged string, err error) {
	files, err := os.ReadDir(staging)
	if err != nil {
		return e, "", "", err
	}
	staged = staging
	if len(files) == 1 && files[0].IsDir() {
		staged = filepath.Join(staging, files[0].Name()) // vscode-server-linux-x64
	}
	e.Commit, e.Product = commit, defaultProduct
	if f, err := os.Open(filepath.Join(staged, "product.json")); err == nil {
		defer f.Close()
		return identifyServer(e, f, staged)
	}
	cli := filepath.Join(staged, "code")
	if info, err := os.Lstat(cli); err != nil || !info.Mode().IsRegular() || info.Mode()&0o111 == 0 {
		return e, "", "", errors.New("it has neither a product.json nor a program called code; name an IDE's server or CLI")
	}
	if commit == "" {
		return e, "", "", errors.New("nothing says which version this CLI is; give --commit")
	}
	e.CLI = filepath.Join(e.Product, "code-"+commit)
	return e, e.CLI, cli, nil
}

func identifyServer(e Entry, f io.Reader, staged string) (Entry, string, string, error) {
	p, err := readProduct(f)
	if err != nil {
		return e, "", "", fmt.Errorf("reading product.json: %w", err)
	}
	if p.Commit != "" {
		if e.Commit != "" && e.Commit != p.Commit {
			return e, "", "", fmt.Errorf("product.json says commit %.60q, not %s", p.Commit, e.Commit)
		}
		e.Commit = p.Commit
	}
	if !commitName.MatchString(e.Commit) {
		return e, "", "", fmt.Errorf("nothing says which version this server is (%.60q); give --commit", e.Commit)
	}
	if p.Folder != "" {
		e.Product = p.Folder
	}
	if !productName.MatchString(e.Product) {
		return e, "", "", fmt.Errorf("product.json names the directory %.60q, which is none of an IDE's server", e.Product)
	}
	e.Version, e.Name = p.Version, p.directory(e.Commit)
	e.Server = filepath.Join(e.Product, "cli/servers", e.Name, "server")
	return e, e.Server, staged, nil
}

// show moves what was staged to its name, after it has reached the disk.
func show(staged, name string) (added bool, err error) {
	if _, err := os.Lstat(name); err == nil {
		return false, nil
	}
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return false, err
	}
	dir, err := os.Open(filepath.Dir(name))
	if err != nil {
		return false, err
	}
	defer dir.Close()
	if err := unix.Syncfs(int(dir.Fd())); err != nil { // one call for 20,000 files
		return false, os.NewSyscallError("syncfs", err)
	}
	if err := os.Rename(staged, name); err != nil {
		if _, there := os.Lstat(name); there == nil {
			return false, nil // somebody else was faster
		}
		return false, err
	}
	return true, dir.Sync()
}

// Prune removes all but the keep newest versions of each product, and returns
// what it has removed. Jobs that have a link to one lose it.
func Prune(dir string, keep int) (removed []Entry, err error) {
	all, err := List(dir)
	if err != nil {
		return nil, err
	}
	kept := map[string]int{}
	for _, e := range all {
		if kept[e.Product]++; kept[e.Product] <= keep {
			continue
		}
		if err := remove(dir, e); err != nil {
			return removed, fmt.Errorf("removing %s: %w", e.Commit, err)
		}
		removed = append(removed, e)
	}
	return removed, nil
}

// remove moves each part of an entry aside first, so that no job links half of
// a server.
func remove(dir string, e Entry) error {
	for _, path := range []string{filepath.Join(dir, e.Product, "cli/servers", e.Name), filepath.Join(dir, e.Product, "bin", e.Commit), e.CLI} {
		if path == "" || path == filepath.Join(dir, e.Product, "cli/servers") {
			continue
		}
		aside, err := os.MkdirTemp(dir, ".removed-")
		if err != nil {
			return err
		}
		if err := os.Rename(path, filepath.Join(aside, "x")); err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		if err := os.RemoveAll(aside); err != nil {
			return err
		}
	}
	return nil
}
