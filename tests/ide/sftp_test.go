package ide

import (
	"io"
	"os/exec"
	"testing"

	"github.com/pkg/sftp"
)

// readBySFTP reads a file through cmd, an ssh with the subsystem sftp.
func readBySFTP(t *testing.T, cmd *exec.Cmd, file string) string {
	t.Helper()
	in, errIn := cmd.StdinPipe()
	out, errOut := cmd.StdoutPipe()
	if errIn != nil || errOut != nil || cmd.Start() != nil {
		t.Fatalf("starting %q: %v, %v", cmd.Args, errIn, errOut)
	}
	defer cmd.Wait()
	client, err := sftp.NewClientPipe(out, in)
	if err != nil {
		t.Fatal(err)
	}
	defer client.Close()
	f, err := client.Open(file)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	text, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
