package home

import (
	"fmt"
	"io"
	"os"

	"perch/entrypoint/contract"
)

// CopyProgram puts a copy of the running program into Dir, so that it can be
// called from outside of the container too. The copy appears whole or not at
// all; it is not synced, since it is worth nothing after a crash of the machine.
func (p *Place) CopyProgram() error {
	err := copyProgram(p.Dir, p.Path(contract.ProgramName))
	if err != nil {
		return fmt.Errorf("copying the program into %s: %w", contract.Dir, err)
	}
	return nil
}

func copyProgram(dir, name string) (err error) {
	from, err := os.Open("/proc/self/exe")
	if err != nil {
		return err
	}
	defer from.Close()
	to, err := os.CreateTemp(dir, contract.ProgramName+".")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.Remove(to.Name())
		}
	}()
	_, err = io.Copy(to, from)
	if err == nil {
		err = to.Chmod(0o700)
	}
	if closed := to.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(to.Name(), name)
}
