package command

import (
	"fmt"
	"io"
	"os"
)

func printFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	if _, err := io.Copy(w, f); err != nil {
		return fmt.Errorf("printing %s: %w", path, err)
	}
	return nil
}
