// Command perch runs editing sessions inside batch jobs.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"perch/shim/internal/command"
	"perch/shim/internal/setup"
)

func main() {
	setup.Proxy(os.Args)
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	os.Exit(command.Run(ctx, command.Options{Args: os.Args[1:], Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Runner: setup.Runner}))
}
