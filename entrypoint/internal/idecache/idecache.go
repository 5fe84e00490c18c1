// Package idecache keeps IDE servers that a site has obtained itself in a
// directory, and links them into job homes, so that no job downloads one.
//
// A cache has a directory for each product, called as in a home and laid out as
// there:
//
//	.vscode-server/code-<commit>                              the static CLI
//	.vscode-server/cli/servers/Stable-<commit>/server/        the server
//	.vscode-server/bin/<commit>/                              the same, where a site laid it out by hand
//	.vscode-server/extensions/<publisher>.<name>-<version>/   seeds
//	.vscode-server/data/Machine/settings.json
package idecache

import (
	"encoding/json"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Default is where an image may have a cache.
const Default = "/usr/local/share/perch/ide-servers"

var (
	commitName  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	serverName  = regexp.MustCompile(`^(Stable|Insiders|Exploration)-([0-9a-f]{40})$`)
	productName = regexp.MustCompile(`^\.[a-z0-9][a-z0-9-]{0,40}-server(-[a-z0-9-]{1,20})?$`)
)

// Entry is a version of a product in a cache.
type Entry struct {
	// Product is the directory's name, Commit the version's.
	Product, Commit string
	// Version is the server's own, where Add has read it.
	Version string
	// Server is the path of the server, Name that of its directory in
	// cli/servers, CLI the path of the CLI; "" where there is none.
	Server, Name, CLI string
	// Added is when it was put there.
	Added time.Time
}

// List returns what a cache has, by product, the newest first.
func List(dir string) ([]Entry, error) {
	products, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var all []Entry
	for _, product := range products {
		if productName.MatchString(product.Name()) {
			all = append(all, entries(dir, product.Name())...)
		}
	}
	return all, nil
}

func entries(dir, product string) []Entry {
	found := map[string]*Entry{}
	at := func(commit, path string) *Entry {
		if found[commit] == nil {
			found[commit] = &Entry{Product: product, Commit: commit}
		}
		if info, err := os.Stat(path); err == nil && info.ModTime().After(found[commit].Added) {
			found[commit].Added = info.ModTime()
		}
		return found[commit]
	}
	each := func(sub string, take func(name, path string)) {
		files, _ := os.ReadDir(filepath.Join(dir, product, sub))
		for _, f := range files {
			take(f.Name(), filepath.Join(dir, product, sub, f.Name()))
		}
	}
	each("bin", func(name, path string) {
		if commitName.MatchString(name) && isServer(path) {
			e := at(name, path)
			e.Server, e.Name = path, "Stable-"+name
		}
	})
	each("cli/servers", func(name, path string) {
		if m := serverName.FindStringSubmatch(name); m != nil && isServer(filepath.Join(path, "server")) {
			e := at(m[2], path)
			e.Server, e.Name = filepath.Join(path, "server"), name
		}
	})
	each("", func(name, path string) {
		if commit, ok := strings.CutPrefix(name, "code-"); ok && commitName.MatchString(commit) {
			at(commit, path).CLI = path
		}
	})
	var all []Entry
	for _, e := range found {
		all = append(all, *e)
	}
	slices.SortFunc(all, func(a, b Entry) int {
		if c := b.Added.Compare(a.Added); c != 0 {
			return c
		}
		return strings.Compare(a.Commit, b.Commit)
	})
	return all
}

func isServer(dir string) bool {
	info, err := os.Stat(filepath.Join(dir, "product.json"))
	return err == nil && info.Mode().IsRegular()
}

// product is what product.json says, as far as it is of use here.
type product struct {
	Commit  string `json:"commit"`
	Quality string `json:"quality"`
	Folder  string `json:"serverDataFolderName"`
	Version string `json:"version"`
}

// maxProduct bounds what is read of product.json, in bytes.
const maxProduct = 4 << 20

func readProduct(r io.Reader) (p product, err error) {
	err = json.NewDecoder(io.LimitReader(r, maxProduct)).Decode(&p)
	return p, err
}

// directory is the name of the server's directory in cli/servers.
func (p product) directory(commit string) string {
	switch p.Quality {
	case "insider":
		return "Insiders-" + commit
	case "exploration":
		return "Exploration-" + commit
	}
	return "Stable-" + commit
}
