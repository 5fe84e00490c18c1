package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
)

// The parts that need no pool, as -only calls them.
const (
	onlyServer = "server"
	onlySoak   = "soak"
)

// only measures one part and prints what docs/measured.md would say about it.
func only(ctx context.Context, p plan, stdout, stderr io.Writer) error {
	root, err := repository(ctx)
	if err != nil {
		return err
	}
	switch p.Only {
	case onlyServer:
		c, err := compare(ctx, root, usualServerPlan, p.Soak, stderr)
		if err != nil {
			return err
		}
		section, err := c.section()
		fmt.Fprint(stdout, section)
		return err
	case onlySoak:
		return soakAlone(ctx, root, p, stdout, stderr)
	}
	return fmt.Errorf("%w: there is no part %q", errUsage, p.Only)
}

func soakAlone(ctx context.Context, root string, p plan, stdout, stderr io.Writer) (err error) {
	dir, err := workshop()
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	s, err := startServers(ctx, root, dir, usualServerPlan, stderr)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop()) }()
	got, err := s.soak(ctx, p.Soak)
	if err != nil {
		return err
	}
	fmt.Fprint(stdout, got.table(), "\n", targetTable(got.targets()))
	return nil
}
