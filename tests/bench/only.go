package main

import (
	"context"
	"fmt"
	"io"
)

// The parts that need no pool, as -only calls them.
const (
	onlyServer = "server"
	onlyImages = "images"
	onlySoak   = "soak"
)

// only measures one part: of the server and of images it prints what
// docs/measured.md would say, of the soak it writes a page.
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
	case onlyImages:
		g, err := measureImages(ctx, root, usualImagePlan, stderr)
		if err != nil {
			return err
		}
		section, err := g.section()
		fmt.Fprint(stdout, section)
		return err
	case onlySoak:
		return soakAlone(ctx, root, p, stderr)
	}
	return fmt.Errorf("%w: there is no part %q", errUsage, p.Only)
}

func soakAlone(ctx context.Context, root string, p plan, stderr io.Writer) error {
	where := describe(ctx, root)
	var got *soaked
	err := withServers(ctx, root, usualServerPlan, stderr, func(s *servers) (err error) {
		got, err = s.soak(ctx, p.Soak)
		return err
	})
	if err != nil {
		return err
	}
	return writePage(root, p.page(soakPage), []byte(got.page(where)))
}

// page is the soak's.
func (s *soaked) page(where machine) string {
	rows := [][]string{{"", ""}}
	for _, f := range where {
		rows = append(rows, []string{f.Name, f.Value})
	}
	return "# A soak of the session server\n\nWritten by `make soak`; do not edit. Ten times a second a stock ssh runs `true` in perch-entrypoint, each in a new connection. What one takes is counted from when it was due. Goroutines are counted at the end, by the stacks that Go shows at SIGQUIT, and beside them those of a perch-entrypoint that has served ten sessions. Threads are those of Go's runtime, which makes one more when all others wait in system calls, and keeps it. Growth is counted from the first tenth on, when the process has come to its size.\n\n" +
		markdown(rows) + "\n" + targetTable(s.targets()) + "\n" + s.table()
}
