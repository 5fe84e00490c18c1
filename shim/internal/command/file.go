package command

import (
	"bufio"
	"fmt"
	"io"
	"os"
	"strings"

	"golang.org/x/term"

	"perch/shim/say"
)

func printFile(w io.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return fmt.Errorf("reading %s: %w", path, err)
	}
	defer f.Close()
	out, terminal := w.(*os.File)
	if !terminal || !term.IsTerminal(int(out.Fd())) {
		if _, err := io.Copy(w, f); err != nil {
			return fmt.Errorf("printing %s: %w", path, err)
		}
		return nil
	}
	// A job may have put anything into its log.
	lines := bufio.NewScanner(f)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := lines.Text()
		indent := text[:len(text)-len(strings.TrimLeft(text, " \t"))]
		fmt.Fprintln(w, indent+say.Clean(text))
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("printing %s: %w; look at it by less", path, err)
	}
	return nil
}
