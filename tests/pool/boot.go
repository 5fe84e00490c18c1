package pool

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	specs "github.com/opencontainers/runtime-spec/specs-go"
	"golang.org/x/sys/unix"

	"perch/tests/cache"
)

// Config is what a pool has beside its usual configuration.
type Config struct {
	// Extra is HTCondor configuration that is read last.
	Extra string
}

// bootLimit is for a machine that does much else; a pool boots in seconds.
const bootLimit = 2 * time.Minute

// Boot boots a pool and returns when it takes jobs. A name keeps it until
// someone calls Stop; without one it does not outlive this process. If it does
// not come up, the error holds the ends of the daemons' logs.
func Boot(ctx context.Context, v Version, name string, c Config) (p *Pool, err error) {
	root, err := Build(ctx, v)
	if err != nil {
		return nil, err
	}
	if p, err = reserve(ctx, v, name); err != nil {
		return nil, fmt.Errorf("booting a pool of HTCondor %s: %w", v, err)
	}
	if err = p.boot(ctx, root, c); err != nil {
		err = fmt.Errorf("booting pool %s: %w\n%s", p.name, err, p.Logs())
		return nil, errors.Join(err, p.Stop())
	}
	if p.Kept() {
		p.owner.Close()
	}
	return p, nil
}

func (p *Pool) boot(ctx context.Context, root string, c Config) error {
	ctx, cancel := context.WithTimeout(ctx, bootLimit)
	defer cancel()
	if err := p.makeDirs(); err != nil {
		return err
	}
	if err := p.writeBundle(c.Extra); err != nil {
		return err
	}
	layers := fmt.Sprintf("lowerdir=%s,upperdir=%s/upper,workdir=%s/work", root, p.dir, p.dir)
	if err := unix.Mount("overlay", p.Root(), "overlay", 0, layers); err != nil {
		return fmt.Errorf("mounting the overlay: %w", err)
	}
	if err := p.runContainer(ctx); err != nil {
		return err
	}
	return p.awaitSlot(ctx)
}

func (p *Pool) makeDirs() error {
	for _, dir := range []string{p.Root(), p.Images(), p.Dir(), p.dir + "/upper", p.dir + "/work", p.dir + "/execute", p.dir + "/pids"} {
		if err := os.MkdirAll(dir, 0o755); err != nil {
			return err
		}
	}
	return os.Chmod(p.Dir(), 0o777|os.ModeSticky)
}

// runContainer starts the container, whose console goes to a file.
func (p *Pool) runContainer(ctx context.Context) error {
	console, err := os.Create(p.consolePath())
	if err != nil {
		return err
	}
	defer console.Close()
	cmd := exec.CommandContext(ctx, "runc", "run", "--detach", "--bundle", p.bundle(), p.container())
	cmd.Stdout, cmd.Stderr = console, console
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("runc run: %w", err)
	}
	return nil
}

func (p *Pool) consolePath() string { return filepath.Join(p.dir, "console.log") }

// awaitSlot waits until the collector knows a slot and the schedd answers.
func (p *Pool) awaitSlot(ctx context.Context) error {
	const ready = `until condor_status -af Name | grep -q . && condor_q -totals >/dev/null; do sleep 0.1; done 2>/dev/null`
	if err := p.Command(ctx, "root", "bash", "-c", ready).Run(); err != nil {
		return fmt.Errorf("waiting for a slot: %w", errors.Join(err, ctx.Err()))
	}
	return nil
}

// Up says whether the pool's container runs.
func (p *Pool) Up() bool {
	state, made := p.state()
	return made && state.Status == specs.StateRunning
}

// Pid is the pool's first process, as this machine counts; 0 if it is not up.
func (p *Pool) Pid() int {
	state, _ := p.state()
	return state.Pid
}

// state asks runc for the pool's container. One that has the name but another
// bundle is not ours, and as good as none.
func (p *Pool) state() (state specs.State, made bool) {
	out, err := exec.Command("runc", "state", p.container()).Output()
	if err != nil || json.Unmarshal(out, &state) != nil {
		return specs.State{}, false
	}
	return state, sameDir(state.Bundle, p.bundle())
}

// sameDir is for paths of which runc has resolved the symbolic links.
func sameDir(a, b string) bool {
	x, errA := os.Stat(a)
	y, errB := os.Stat(b)
	return errA == nil && errB == nil && os.SameFile(x, y)
}

// Stop ends all processes of the pool, at once, and removes what it has
// written. Images and the cached root stay.
func (p *Pool) Stop() error {
	unlock, err := lockRun(context.Background())
	if err != nil {
		return err
	}
	defer unlock()
	defer p.owner.Close()
	if err := p.destroy(); err != nil {
		return fmt.Errorf("stopping pool %s: %w", p.name, err)
	}
	return nil
}

// destroy works on whatever is there of a pool.
func (p *Pool) destroy() error {
	if err := p.deleteContainer(); err != nil {
		return err
	}
	// EINVAL and ENOENT: it was never mounted.
	err := unix.Unmount(p.Root(), unix.MNT_DETACH)
	if err != nil && !errors.Is(err, unix.EINVAL) && !errors.Is(err, unix.ENOENT) {
		return fmt.Errorf("unmounting the overlay: %w", err)
	}
	if err := cache.Remove(p.dir); err != nil {
		return err
	}
	return errors.Join(os.RemoveAll(p.keptPath()), os.RemoveAll(p.ownerPath()))
}

// deleteContainer ends its processes first, however they have come to be there.
func (p *Pool) deleteContainer() error {
	if _, made := p.state(); !made {
		return nil
	}
	if out, err := exec.Command("runc", "delete", "--force", p.container()).CombinedOutput(); err != nil {
		return fmt.Errorf("runc delete: %w: %s", err, out)
	}
	return nil
}

// Logs returns the ends of the console's output and of each of HTCondor's logs.
func (p *Pool) Logs() string {
	paths, _ := filepath.Glob(filepath.Join(p.Root(), "var/log/condor/*Log*")) // fails for bad patterns only
	var all strings.Builder
	for _, path := range append([]string{p.consolePath()}, paths...) {
		if text, err := os.ReadFile(path); err == nil && len(text) > 0 {
			fmt.Fprintf(&all, "--- %s\n%s\n", filepath.Base(path), tail(string(text), 12))
		}
	}
	return all.String()
}
