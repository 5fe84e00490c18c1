// Command perch-entrypoint is the executable of a Perch job. It runs in any
// Linux image, as two processes: init, which waits and forwards signals, and
// its child serve, which prepares the job home, serves SSH on a unix socket
// there, and ends the job when nobody needs it any more.
package main

import (
	"fmt"
	"io"
	"os"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/check"
	"perch/entrypoint/internal/idecache"
	"perch/entrypoint/internal/reap"
	"perch/entrypoint/internal/serve"
	"perch/entrypoint/internal/stdio"
)

const usage = `usage: perch-entrypoint [command]

  init           run serve as a child and look after all processes (the default)
  serve          prepare the job home and serve SSH on its socket
  stdio          connect stdin and stdout to the socket beside this program
  carry          stdio for perch keep: tells of its end on standard error
  check [--json] say what this place offers to a session
  cache …        add, list or prune IDE servers in a directory
  version        print the version of the contract

Exit status of init and serve: 0 idle, asked to end or SIGTERM; 1 failure;
64 usage; 71 no keys; 72 no writable scratch directory; 73 no socket.
`

func main() {
	os.Exit(Run(os.Args[1:], os.Stdin, os.Stdout, os.Stderr))
}

// Run runs the command that args name and returns the exit code. Files rather
// than readers are wanted because init hands them on and stdio half-closes.
func Run(args []string, stdin, stdout, stderr *os.File) int {
	command, rest := "init", args
	if len(args) > 0 {
		command, rest = args[0], args[1:]
	}
	if command == "cache" {
		return idecache.Command(rest, stdout, stderr)
	}
	if len(rest) > 0 && command != "check" {
		return misused(stderr, fmt.Sprintf("%s takes no argument, got %q", command, rest[0]))
	}
	switch command {
	case "init":
		return reap.Run([]string{"perch-entrypoint", "serve"}, stderr)
	case "serve":
		return serve.Run(stdout, stderr)
	case contract.CommandCarry:
		defer fmt.Fprintln(stderr, contract.CarryEnded)
		return stdio.Run(stdin, stdout, stderr)
	case "stdio":
		return stdio.Run(stdin, stdout, stderr)
	case "check":
		return runCheck(rest, stdout, stderr)
	case "version":
		fmt.Fprintf(stdout, "perch-entrypoint, contract %d\n", contract.Version)
		return contract.ExitOK
	case "help", "-h", "--help":
		fmt.Fprint(stdout, usage)
		return contract.ExitOK
	}
	return misused(stderr, fmt.Sprintf("there is no command %q", command))
}

func runCheck(args []string, stdout, stderr io.Writer) int {
	asJSON := len(args) == 1 && args[0] == "--json"
	if len(args) > 0 && !asJSON {
		return misused(stderr, fmt.Sprintf("check takes --json or nothing, got %q", args))
	}
	return check.Run(os.Getenv, asJSON, stdout, stderr)
}

func misused(stderr io.Writer, what string) int {
	fmt.Fprintf(stderr, "perch-entrypoint: %s\n%s", what, usage)
	return contract.ExitUsage
}
