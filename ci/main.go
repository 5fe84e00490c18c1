// Command perch-ci builds the images of Perch's environments and tries them:
// on a developer's machine and in the pipelines of sites alike.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"perch/ci/internal/cli"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	code := cli.Run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}
