// Command perch-ssh stands in for ssh: for a target (JDL:path) it finds or
// submits the job, waits for it, and becomes the stock ssh.
package main

import (
	"context"
	"os"

	"perch/shim/internal/standin"
)

func main() {
	os.Exit(standin.Run(context.Background(), os.Args[1:]))
}
