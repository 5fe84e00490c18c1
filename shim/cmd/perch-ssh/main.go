// Command perch-ssh stands in for ssh: for a target (JDL:path) it finds or
// submits the job, waits for it, and becomes the stock ssh.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"perch/shim/internal/standin"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(standin.Run(ctx, os.Args[1:]))
}
