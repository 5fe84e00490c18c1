// Package setup puts perch's parts together: the settings, the engine that
// they name, and the programs beside perch. It is the only one that knows
// which engines there are.
package setup

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"perch/shim/internal/config"
	"perch/shim/internal/engine"
	"perch/shim/internal/engine/htcondor"
	"perch/shim/internal/engine/local"
	"perch/shim/internal/run"
	"perch/shim/internal/standin"
	"perch/shim/internal/stockssh"
	"perch/shim/say"
)

// Proxy becomes perch-ssh if args, a whole command line, is "perch proxy
// TARGET": a proxy command is started for every connection, and perch-ssh
// starts without the settings' and commands' libraries. Otherwise it returns.
func Proxy(args []string) {
	if len(args) != 3 || args[1] != "proxy" || len(args[2]) == 0 || args[2][0] == '-' {
		return
	}
	own, err := os.Executable()
	if err != nil {
		return
	}
	program := beside(own, "perch-ssh")
	if err := syscall.Exec(program, []string{program, standin.CopyFlag, args[2]}, os.Environ()); err != nil {
		say.ForUser(os.Stderr).Error(fmt.Errorf("running %s: %w; install perch-ssh beside perch", program, err))
		os.Exit(255)
	}
}

// Runner reads the settings and makes the engine.
func Runner(ctx context.Context, printer *say.Printer) (*run.Runner, error) {
	settings, err := config.Load()
	if err != nil {
		return nil, err
	}
	paths, err := programs(settings)
	if err != nil {
		return nil, err
	}
	eng, err := newEngine(ctx, settings, paths)
	if err != nil {
		return nil, err
	}
	return &run.Runner{Engine: eng, Settings: settings, Say: printer, Paths: paths}, nil
}

func programs(s config.Settings) (run.Paths, error) {
	own, err := os.Executable()
	if err != nil {
		return run.Paths{}, fmt.Errorf("finding perch itself: %w", err)
	}
	ssh, err := stockssh.Find(s.SSH)
	if err != nil {
		return run.Paths{}, err
	}
	p := run.Paths{Perch: own, PerchSSH: beside(own, "perch-ssh"), Entrypoint: s.Entrypoint, SSH: ssh}
	if p.Entrypoint == "" {
		p.Entrypoint = beside(own, "perch-entrypoint")
	}
	if _, err := os.Stat(p.Entrypoint); err != nil {
		return p, fmt.Errorf("finding perch-entrypoint: %w; install it beside perch, or set entrypoint in the configuration", err)
	}
	return p, nil
}

func beside(own, name string) string { return filepath.Join(filepath.Dir(own), name) }

func newEngine(ctx context.Context, s config.Settings, p run.Paths) (engine.Engine, error) {
	if s.Engine == "local" || s.Engine == "" && !htcondor.Installed() {
		return &local.Engine{Program: p.Perch}, nil
	}
	return htcondor.New(ctx, p.PerchSSH, p.SSH)
}
