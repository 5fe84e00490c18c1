// Package stdio connects standard input and output to the job's socket. It is
// the way into a job where the carrier may not forward sockets; then it runs
// once per connection, inside or outside of the job's container.
package stdio

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"

	"perch/entrypoint/contract"
	"perch/entrypoint/internal/sockpath"
)

// Run copies stdin to the socket that lies beside this program's executable
// (or beside its name in the working directory, where /proc is missing), and
// the socket to stdout. The end of stdin is passed on while output goes on; the
// end of the socket ends it. It returns the exit code.
func Run(stdin io.Reader, stdout, stderr io.Writer) int {
	program, err := os.Executable()
	if err != nil {
		program = os.Args[0]
	}
	if err := connect(filepath.Join(filepath.Dir(program), contract.SocketName), stdin, stdout); err != nil {
		fmt.Fprintf(stderr, "perch-entrypoint: %v\n", err)
		return contract.ExitFailure
	}
	return contract.ExitOK
}

func connect(socket string, stdin io.Reader, stdout io.Writer) error {
	conn, err := sockpath.Dial(socket)
	if err != nil {
		return fmt.Errorf("connecting to the job's socket: %w; is the job running?", err)
	}
	defer conn.Close()
	// Nobody waits for this one: many clients never close their side.
	go func() {
		io.Copy(conn, stdin)
		conn.CloseWrite()
	}()
	// Who has left does not want to hear of it.
	if _, err := io.Copy(stdout, conn); err != nil && !errors.Is(err, unix.EPIPE) {
		return fmt.Errorf("copying from the job's socket: %w", err)
	}
	return nil
}
