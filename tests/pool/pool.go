package pool

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/gofrs/flock"

	"perch/tests/cache"
)

// Pool is a pool that is up.
type Pool struct {
	version Version
	name    string
	// dir holds what ends with the pool: its overlay, bundle and directories.
	dir string
	// owner is locked as long as the process lives that will stop the pool. A
	// pool that is kept by hand has no such process.
	owner *flock.Flock
}

// Version is the version of HTCondor in the pool.
func (p *Pool) Version() Version { return p.version }

// Name tells the pool from others on this machine; see Open.
func (p *Pool) Name() string { return p.name }

// Dir is a directory of this machine that the pool has as /host: for programs,
// submit files and results. Everybody may write to it. It ends with the pool.
func (p *Pool) Dir() string { return filepath.Join(p.dir, "host") }

// Images is a directory of this machine that all pools have as /images. It
// outlives them.
func (p *Pool) Images() string { return filepath.Join(CacheDir(), "images") }

// Root is the pool's root directory as this machine sees it, without what is
// mounted in the pool. Files written below it appear in the pool.
func (p *Pool) Root() string { return filepath.Join(p.bundle(), "rootfs") }

func runDir() string { return filepath.Join(CacheDir(), "run") }

func (p *Pool) bundle() string { return filepath.Join(p.dir, "bundle") }

// container is a name that no other cache directory's pool has.
func (p *Pool) container() string {
	return "perch-pool-" + p.name + "-" + hash([]string{p.dir})
}

func (p *Pool) ownerPath() string { return p.dir + ".owner" }

func (p *Pool) keptPath() string { return p.dir + ".kept" }

// Kept says whether the pool was started by hand and stays until it is stopped.
func (p *Pool) Kept() bool {
	_, err := os.Stat(p.keptPath())
	return err == nil
}

// Open returns the pool of that name. A pool kept by hand is named by the word
// it was started with, such as "25" or "25-mine".
func Open(name string) (*Pool, error) {
	p := named(name)
	if _, err := os.Stat(p.dir); name == "" || err != nil {
		return nil, fmt.Errorf("there is no pool %q; start one", name)
	}
	return p, nil
}

func named(name string) *Pool {
	version, _, _ := strings.Cut(name, "-")
	dir := filepath.Join(runDir(), filepath.Base(name))
	p := &Pool{version: Version(version), name: name, dir: dir}
	p.owner = flock.New(p.ownerPath())
	return p
}

// List returns all pools of this user's cache directory, up or not.
func List() ([]*Pool, error) {
	entries, err := os.ReadDir(runDir())
	if err != nil && !os.IsNotExist(err) {
		return nil, err
	}
	var all []*Pool
	for _, e := range entries {
		if e.IsDir() {
			all = append(all, named(e.Name()))
		}
	}
	return all, nil
}

// lockRun keeps other processes from adding or removing pools.
func lockRun(ctx context.Context) (unlock func(), err error) {
	return cache.Lock(ctx, runDir()+".lock")
}

// reserve makes the directory of a new pool and becomes its owner. Without a
// name the pool gets one of its own, and does not outlive this process.
func reserve(ctx context.Context, v Version, name string) (*Pool, error) {
	unlock, err := lockRun(ctx)
	if err != nil {
		return nil, err
	}
	defer unlock()
	if err := os.MkdirAll(runDir(), 0o755); err != nil {
		return nil, err
	}
	if err := sweep(); err != nil {
		return nil, err
	}
	p, err := makeDir(v, name)
	if err != nil {
		return nil, err
	}
	_, err = p.owner.TryLock()
	return p, err
}

func makeDir(v Version, name string) (*Pool, error) {
	if name == "" {
		dir, err := os.MkdirTemp(runDir(), string(v)+"-test")
		return named(filepath.Base(dir)), err
	}
	p := named(name)
	if p.version != v || filepath.Base(name) != name {
		return nil, fmt.Errorf("a pool of HTCondor %s is called %q or %q and a word, not %q", v, v, v+"-", name)
	}
	if err := os.Mkdir(p.dir, 0o755); os.IsExist(err) {
		return nil, fmt.Errorf("pool %q is already up; stop it first", name)
	} else if err != nil {
		return nil, err
	}
	return p, os.WriteFile(p.keptPath(), nil, 0o644)
}

// sweep removes the pools of processes that ended without stopping theirs, and
// those kept by hand that a reboot has ended.
func sweep() error {
	all, err := List()
	if err != nil {
		return err
	}
	for _, p := range all {
		mine, err := p.owner.TryLock()
		if err != nil {
			return err
		}
		if mine && !(p.Kept() && p.Up()) {
			err = p.destroy()
		}
		p.owner.Close()
		if err != nil {
			return fmt.Errorf("removing a pool that was left behind: %w", err)
		}
	}
	return nil
}
