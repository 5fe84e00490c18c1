package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/adrg/xdg"
	"github.com/google/renameio/v2"

	"perch/tests/pool"
)

// poolConfig gives the user log a clock that is fine enough.
const poolConfig = "DEFAULT_USERLOG_FORMAT_OPTIONS = SUB_SECOND\n"

// dropIn is what administrators put on their execution points.
const dropIn = "jdl-templates/admin/50-perch-execution-point.conf"

// outcome is all that a run has found out.
type outcome struct {
	Machine machine
	// Size is that of a transfer, in MiB.
	Size     int
	Sessions []Table
	// Default and WithDropIn are phaseFirst without and with dropIn.
	Default, WithDropIn []Table
	// Server is the session server beside OpenSSH's.
	Server *comparison
	Images *gallery
	Took   time.Duration
}

// table returns a table of the sessions.
func (o outcome) table(name string) Table { return tableOf(o.Sessions, name) }

func tableOf(tables []Table, name string) Table {
	for _, t := range tables {
		if t.Name == name {
			return t
		}
	}
	return Table{Name: name}
}

// outside does everything, as root on this machine.
func outside(ctx context.Context, p plan, stderr io.Writer) (err error) {
	began := time.Now()
	if os.Geteuid() != 0 {
		return errors.New("a pool mounts file systems and runs daemons; run this as root")
	}
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	if err := pool.Install(ctx, pool.Needs...); err != nil {
		return err
	}
	o := outcome{Machine: describe(ctx, root), Size: p.Size}
	if o.Server, err = compare(ctx, root, usualServerPlan, p.Soak, stderr); err != nil {
		return err
	}
	if o.Images, err = measureImages(ctx, root, usualImagePlan, stderr); err != nil {
		return err
	}
	fmt.Fprintln(stderr, "booting a pool")
	it, err := pool.Boot(ctx, pool.V25, "", pool.Config{Extra: poolConfig})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, it.Stop()) }()
	if p.Image, err = furnish(ctx, root, it); err != nil {
		return err
	}
	o.Machine.lookInto(ctx, it)
	if err := o.measure(ctx, p, root, it, stderr); err != nil {
		return fmt.Errorf("%s\n%w", it.Logs(), err)
	}
	o.Took = time.Since(began)
	page, err := o.page()
	if err != nil {
		return err
	}
	return writePage(root, p.page(measuredPage), page)
}

// The pages, from the repository's root.
const (
	measuredPage = "docs/measured.md"
	soakPage     = "docs/soak.md"
)

// page is the file to write, usual unless the user has named one.
func (p plan) page(usual string) string {
	if p.Page == "" {
		return usual
	}
	return p.Page
}

func writePage(root, path string, text []byte) error {
	if !filepath.IsAbs(path) {
		path = filepath.Join(root, path)
	}
	return renameio.WriteFile(path, text, 0o644)
}

func (o *outcome) measure(ctx context.Context, p plan, root string, it *pool.Pool, stderr io.Writer) (err error) {
	if o.Sessions, err = runInside(ctx, it, phaseSessions, p, stderr); err != nil {
		return err
	}
	if o.Default, err = runInside(ctx, it, phaseFirst, p, stderr); err != nil {
		return err
	}
	fmt.Fprintln(stderr, "now with the drop-in for execution points")
	if err := addDropIn(ctx, root, it); err != nil {
		return err
	}
	o.WithDropIn, err = runInside(ctx, it, phaseFirst, p, stderr)
	return err
}

func addDropIn(ctx context.Context, root string, it *pool.Pool) error {
	text, err := os.ReadFile(filepath.Join(root, dropIn))
	if err != nil {
		return err
	}
	if err := os.WriteFile(filepath.Join(it.Root(), "etc/condor/config.d/70-perch.conf"), text, 0o644); err != nil {
		return err
	}
	result, err := it.Exec(ctx, "root", "condor_reconfig")
	if err == nil && result.Code != 0 {
		err = fmt.Errorf("condor_reconfig: exit status %d: %s", result.Code, result.Stderr)
	}
	return err
}

// repository is the root of the module in which this is run.
func repository(ctx context.Context) (string, error) {
	out, err := exec.CommandContext(ctx, "go", "env", "GOMOD").Output()
	if err != nil {
		return "", fmt.Errorf("looking for the repository: %w", err)
	}
	return filepath.Dir(strings.TrimSpace(string(out))), nil
}

// furnish brings Perch's programs, this one and the repository's image into the
// pool, and returns the image's path there.
func furnish(ctx context.Context, root string, it *pool.Pool) (string, error) {
	bin := filepath.Join(it.Dir(), "bin")
	for name, pkg := range map[string]string{"perch": "shim/cmd/perch", "perch-ssh": "shim/cmd/perch-ssh",
		"perch-entrypoint": "entrypoint", "perch-ci": "ci", "bench": "tests/bench"} {
		build := exec.CommandContext(ctx, "go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-o", filepath.Join(bin, name), "./"+pkg)
		build.Env = append(os.Environ(), "CGO_ENABLED=0")
		if err := runIn(root, build); err != nil {
			return "", err
		}
	}
	images := filepath.Join(xdg.CacheHome, "perch", "e2e") // the end-to-end tests' own
	build := exec.CommandContext(ctx, filepath.Join(bin, "perch-ci"), "build", "debian12", "-o", images, "--base", "mmdebstrap")
	if err := runIn(root, build); err != nil {
		return "", err
	}
	return it.BuildImage(ctx, pool.Sandbox, "debian12", filepath.Join(images, "debian12.tar"))
}

func runIn(dir string, cmd *exec.Cmd) error {
	cmd.Dir = dir
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("%q: %w\n%s", cmd.Args, err, out)
	}
	return nil
}

// runInside measures a phase as alice on the pool's submit host.
func runInside(ctx context.Context, it *pool.Pool, phase string, p plan, stderr io.Writer) (tables []Table, err error) {
	argv := append([]string{"/host/bin/bench", insideWord, phase}, p.args()...)
	cmd := it.Command(ctx, "alice", argv...)
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, stderr
	if err := cmd.Run(); err != nil {
		return nil, fmt.Errorf("measuring in the pool: %w", err)
	}
	return tables, json.Unmarshal(out.Bytes(), &tables)
}
